"""Where the demo shop delivers, what delivery costs and which tax is due there.

Rates are the general and the main reduced ones of each country as of 2026, in parts per million.
They are examples for a demo, no tax advice: real shops have categories and thresholds of their own.
"""

# country -> (name of the tax, standard, reduced); in the EU prices include it.
EU = {
    "AT": ("USt", 200_000, 100_000), "BE": ("TVA/BTW", 210_000, 60_000),
    "BG": ("DDS", 200_000, 90_000), "CY": ("FPA", 190_000, 50_000),
    "CZ": ("DPH", 210_000, 120_000), "DE": ("MwSt", 190_000, 70_000),
    "DK": ("moms", 250_000, 250_000), "EE": ("km", 240_000, 90_000),
    "ES": ("IVA", 210_000, 100_000), "FI": ("ALV", 255_000, 135_000),
    "FR": ("TVA", 200_000, 55_000), "GR": ("FPA", 240_000, 130_000),
    "HR": ("PDV", 250_000, 50_000), "HU": ("ÁFA", 270_000, 50_000),
    "IE": ("VAT", 230_000, 90_000), "IT": ("IVA", 220_000, 100_000),
    "LT": ("PVM", 210_000, 120_000), "LU": ("TVA", 170_000, 80_000),
    "LV": ("PVN", 210_000, 120_000), "MT": ("VAT", 180_000, 50_000),
    "NL": ("btw", 210_000, 90_000), "PL": ("VAT", 230_000, 80_000),
    "PT": ("IVA", 230_000, 60_000), "RO": ("TVA", 210_000, 110_000),
    "SE": ("moms", 250_000, 120_000), "SI": ("DDV", 220_000, 95_000),
    "SK": ("DPH", 230_000, 50_000),
}
INCLUSIVE = {
    **EU, "CH": ("MWST", 81_000, 26_000), "LI": ("MWST", 81_000, 26_000),
    "GB": ("VAT", 200_000, 50_000), "JP": ("消費税", 100_000, 80_000),
    "NO": ("mva", 250_000, 150_000), "AU": ("GST", 100_000, 100_000),
    "NZ": ("GST", 150_000, 150_000), "KR": ("VAT", 100_000, 100_000),
    "SG": ("GST", 90_000, 90_000),
}
# (country, region) -> (name, standard, reduced, digital), added on top of the price.
EXCLUSIVE = {
    ("CA", None): ("GST", 50_000, 50_000, 50_000),
    ("US", None): ("No sales tax", 0, 0, 0),
    ("US", "CA"): ("CA sales tax", 72_500, 72_500, 0),
    ("US", "NY"): ("NY sales tax", 40_000, 40_000, 40_000),
    ("US", "TX"): ("TX sales tax", 62_500, 62_500, 62_500),
    ("US", "WA"): ("WA sales tax", 65_000, 65_000, 65_000),
}

# Islands without a road: postal codes of the German North Sea islands.
NORTH_SEA = [
    "25845", "25849", "25859", "25863", "25869", "25938", "25946", "25980", "25992", "25996",
    "25997", "25999", "26465", "26474", "26486", "26548", "26571", "26579", "26757", "27498",
    "27499",
]

ZONES = [
    ("de", "Germany", ["DE"]), ("de-islands", "German North Sea islands", ["DE"]),
    ("eu", "European Union", sorted(set(EU) - {"DE"})),
    ("ch-uk", "Switzerland and United Kingdom", ["CH", "GB", "LI"]), ("jp", "Japan", ["JP"]),
    ("us", "United States", ["US"]), ("world", "Rest of the world", ["AU", "CA", "KR", "NO", "NZ",
                                                                   "SG"]),
]

# id, name, zone, lead days, free over (euro cents, yen) or None, tiers (grams, euro cents, yen).
METHODS = [
    ("de-standard", "Standard", "de", [2, 3], (7500, 12000),
     [(2000, 490, 780), (31500, 890, 1420)]),
    ("de-express", "Express", "de", [1, 1], None, [(2000, 1290, 2060), (31500, 1990, 3180)]),
    ("de-islands-standard", "Island post", "de-islands", [4, 7], (15000, 24000),
     [(2000, 990, 1580), (20000, 1890, 3020)]),
    ("eu-standard", "Standard", "eu", [4, 7], (15000, 24000),
     [(1000, 990, 1580), (5000, 1490, 2380), (31500, 2490, 3980)]),
    ("eu-express", "Express", "eu", [2, 3], None,
     [(1000, 2190, 3500), (5000, 2990, 4780), (20000, 4990, 7980)]),
    ("ch-uk-standard", "Standard", "ch-uk", [5, 9], (20000, 32000),
     [(1000, 1490, 2380), (5000, 2290, 3660), (20000, 3990, 6380)]),
    ("ch-uk-express", "Express", "ch-uk", [2, 4], None,
     [(1000, 2990, 4780), (5000, 3990, 6380), (20000, 6490, 10380)]),
    ("jp-standard", "Standard", "jp", [7, 12], (20000, 32000),
     [(1000, 1790, 2860), (5000, 3290, 5260), (20000, 6490, 10380)]),
    ("jp-express", "Express", "jp", [3, 5], None,
     [(1000, 3490, 5580), (5000, 5490, 8780), (20000, 9990, 15980)]),
    ("us-standard", "Standard", "us", [7, 14], (20000, 32000),
     [(1000, 1690, 2700), (5000, 2990, 4780), (20000, 5990, 9580)]),
    ("us-express", "Express", "us", [3, 5], None,
     [(1000, 3290, 5260), (5000, 4990, 7980), (20000, 8990, 14380)]),
    ("world-standard", "Standard", "world", [10, 20], None,
     [(1000, 2190, 3500), (5000, 3990, 6380), (20000, 7990, 12780)]),
    ("world-express", "Express", "world", [4, 7], None,
     [(1000, 3990, 6380), (5000, 6490, 10380), (20000, 11990, 19180)]),
]


def shipping():
    zones = [{"id": key, "name": name, "countries": [
        {"country": country, "postal_prefixes": NORTH_SEA if key == "de-islands" else []}
        for country in countries]} for key, name, countries in ZONES]
    methods = [{
        "id": key, "name": name, "zone": zone, "lead_days": days,
        "free_over": free and {"EUR": free[0], "JPY": free[1]},
        "tiers": {
            "EUR": [{"max_weight_grams": grams, "price": euro} for grams, euro, _ in tiers],
            "JPY": [{"max_weight_grams": grams, "price": yen} for grams, _, yen in tiers],
        },
    } for key, name, zone, days, free, tiers in METHODS]
    dispatch = {"time_zone": "Europe/Berlin", "cut_off": "14:00:00"}
    return {"zones": zones, "methods": methods, "dispatch": dispatch}


def percent(ppm):
    return f"{ppm / 10_000:g} %"


def region(country, part, mode, name, standard, reduced, digital):
    def rate(ppm):
        return {"name": f"{name} {percent(ppm)}" if standard else name, "ppm": ppm}
    return {"country": country, "region": part, "mode": mode, "rates": {
        "standard": rate(standard), "reduced": rate(reduced), "digital": rate(digital)}}


def tax():
    regions = [region(country, None, "inclusive", name, standard, reduced, standard)
               for country, (name, standard, reduced) in sorted(INCLUSIVE.items())]
    regions += [region(country, part, "exclusive", *rates)
                for (country, part), rates in EXCLUSIVE.items()]
    return {"fallback": {"country": "DE"}, "regions": regions}
