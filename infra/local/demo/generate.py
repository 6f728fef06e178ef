#!/usr/bin/env python3
"""Writes the demo data of the local shop and refuses to write anything that does not add up.

Run it without arguments; it needs nothing but Python 3.11. The output depends on the sources in
this folder only, so a second run changes no byte. `--check` writes nothing and fails when a file
on disk differs from what would be written.
"""

import hashlib
import json
import re
import sys
import zipfile
from datetime import datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

sys.dont_write_bytecode = True

import allure
import art
import fluxion
import places

HERE = Path(__file__).resolve().parent
FIRST = datetime(2026, 1, 5, 8, 0, tzinfo=timezone.utc)
SKU = re.compile(r"[A-Z0-9-]{3,40}")
SLUG = re.compile(r"[a-z0-9-]{2,80}")
FOREIGN = re.compile(rb"<script|https?://(?!www\.w3\.org/2000/svg)|<text|<image|\son\w+=")
PICTURE_BYTES_MAX = 3072
DOWNLOAD_BYTES_MAX = 3072
PRICE = {"EUR": (490, 28900), "JPY": (780, 47000)}
GLYPHS = (fluxion.COMMERCE, fluxion.WEATHER, fluxion.WAYS, fluxion.FINANCE)


def chance(text, below):
    """A number that looks arbitrary and is the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % below


def branch(leaf, parents):
    """The category and everything above it, so that a shelf also shows what its parts hold."""
    path = []
    while leaf:
        path.append(leaf)
        leaf = parents[leaf]
    return path


def size_code(size):
    return re.sub(r"[^A-Z0-9]", "", size.upper())


def garment_variants(product):
    colours, sizes = product["colours"], product["sizes"] or [None]
    extra = allure.EXTRA.get(product["slug"], {})
    for colour in colours:
        for step, size in enumerate(sizes):
            parts = ["ALL", product["code"], allure.COLOURS[colour][0]]
            options = {"Colour": colour}
            if size:
                parts.append(size_code(size))
                options = {"Size": size, "Colour": colour}
            sku = product["sku"] or "-".join(parts)
            more = extra.get(size, (0, 0))
            yield {
                "sku": sku, "title": f"{colour} / {size}" if size else colour, "options": options,
                "prices": {"EUR": product["prices"][0] + more[0],
                           "JPY": product["prices"][1] + more[1]},
                "weight_grams": product["grams"] + step * max(product["grams"] // 25, 2),
                "stock": allure.SCARCE.get(sku, 120 + chance(sku, 781)),
            }


def garment(product, parents):
    options = [{"name": "Size", "values": product["sizes"]}] if product["sizes"] else []
    options.append({"name": "Colour", "values": product["colours"]})
    return {
        "slug": product["slug"], "title": product["title"], "description": product["copy"],
        "type": "physical", "shop": "Allure", "categories": branch(product["leaf"], parents),
        "tax_category": product["tax"], "options": options,
        "variants": list(garment_variants(product)),
        "images": [{"file": f"{product['slug']}.svg", "alt": product["alt"]}], "download": None,
    }


def template(product, parents, download):
    euro, yen = product["prices"]
    licences = [("Single", "1", 1), ("Team", "T", product["team"])]
    return {
        "slug": product["slug"], "title": product["title"], "description": product["copy"],
        "type": "digital", "shop": "Fluxion", "categories": branch(product["leaf"], parents),
        "tax_category": "digital",
        "options": [{"name": "Licence", "values": [name for name, _, _ in licences]}],
        "variants": [{
            "sku": f"FLX-{product['code']}-{short}", "title": f"{name} licence",
            "options": {"Licence": name}, "prices": {"EUR": euro * times, "JPY": yen * times},
            "weight_grams": 0, "stock": None,
        } for name, short, times in licences],
        "images": [{"file": f"{product['slug']}.svg", "alt": product["alt"]}],
        "download": {"file": f"{product['slug']}.zip", "bytes": len(download)},
    }


def woven(first, second):
    """Both shops' products in turn, in proportion, so that a list by date shows both."""
    keyed = [((i + 0.5) / len(group), n, p) for n, group in enumerate((first, second))
             for i, p in enumerate(group)]
    return [p for _, _, p in sorted(keyed, key=lambda entry: entry[:2])]


def drawing(number, product):
    kind, extra = product["art"]
    if kind == "tiles":
        extra = list(GLYPHS[extra].values())
    if "main" in product:
        return art.picture(number, product["title"], (kind, product["main"],
                                                      (product["accent"], extra)))
    colour = allure.COLOURS[product["colours"][0]][1]
    return art.picture(number, product["title"], (kind, colour, extra))


def build():
    """Every file to be written, by its path in this folder."""
    files, products = {}, []
    categories = [dict(zip(("slug", "title", "description", "parent"), row))
                  for row in allure.CATEGORIES + fluxion.CATEGORIES]
    parents = {category["slug"]: category["parent"] for category in categories}
    everything = woven(allure.PRODUCTS, fluxion.PRODUCTS)
    step = timedelta(days=288) / (len(everything) - 1)
    for number, source in enumerate(everything):
        if "main" in source:
            download = fluxion.archive(source)
            files[f"downloads/{source['slug']}.zip"] = download
            product = template(source, parents, download)
        else:
            product = garment(source, parents)
        moment = FIRST + number * step + timedelta(minutes=chance(source["slug"], 540))
        product["created_at"] = moment.replace(second=0, microsecond=0).strftime(
            "%Y-%m-%dT%H:%M:%SZ")
        products.append(product)
        files[f"images/{source['slug']}.svg"] = drawing(number, source).encode()
    catalog = {"categories": categories, "products": products}
    shipping, tax = places.shipping(), places.tax()
    for name, content in (("catalog", catalog), ("shipping", shipping), ("tax", tax)):
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        files[f"{name}.json"] = text.encode()
    return files, catalog, shipping, tax


def flaws(files, catalog, shipping, tax):
    """Everything that is wrong, each as one sentence."""
    yield from flaws_of_catalog(files, catalog)
    yield from flaws_of_files(files)
    yield from flaws_of_places(shipping, tax)


def repeated(values):
    seen = set()
    return sorted({value for value in values if value in seen or seen.add(value)})


def flaws_of_catalog(files, catalog):
    categories, products = catalog["categories"], catalog["products"]
    slugs = [category["slug"] for category in categories]
    variants = [variant for product in products for variant in product["variants"]]
    skus = [variant["sku"] for variant in variants]
    for what, values in (("category", slugs), ("slug", [p["slug"] for p in products]),
                         ("SKU", skus), ("title", [p["title"] for p in products]),
                         ("description", [p["description"] for p in products]),
                         ("date", [p["created_at"] for p in products])):
        for value in repeated(values):
            yield f"{what} {value} occurs twice"
    for category in categories:
        if category["parent"] not in (None, *slugs):
            yield f"category {category['slug']} has no parent {category['parent']}"
        if not any(category["slug"] in product["categories"] for product in products):
            yield f"category {category['slug']} is empty"
    for product in products:
        yield from flaws_of_product(files, slugs, product)
    shops = [product["shop"] for product in products]
    if shops.count("Allure") < 40 or shops.count("Fluxion") < 24:
        yield "the shops are too small"
    if max(len(product["variants"]) for product in products) < 18:
        yield "no product has 18 variants"
    stock = {variant["sku"]: variant["stock"] for variant in variants}
    for sku, count in allure.SCARCE.items():
        if stock.get(sku) != count:
            yield f"{sku} should have {count} pieces"
    scarce = {sku for sku, count in stock.items() if count is not None and count < 120}
    if scarce != set(allure.SCARCE):
        yield "something is scarce that should not be"


def flaws_of_product(files, slugs, product):
    name, digital = product["slug"], product["type"] == "digital"
    if not SLUG.fullmatch(name):
        yield f"{name} is no slug"
    if not set(product["categories"]) <= set(slugs):
        yield f"{name} is in a category that does not exist"
    if not "2026-01" <= product["created_at"][:7] <= "2026-10":
        yield f"{name} was created outside of the season"
    if not 90 <= len(product["description"]) <= 420:
        yield f"{name}: description of {len(product['description'])} characters"
    if product["tax_category"] not in (["digital"] if digital else ["standard", "reduced"]):
        yield f"{name}: tax category {product['tax_category']}"
    if digital != (product["download"] is not None):
        yield f"{name}: a download belongs to digital goods and to them only"
    elif digital and len(files.get("downloads/" + product["download"]["file"], b"")) != (
            product["download"]["bytes"]):
        yield f"{name}: the download is missing or has another size"
    for image in product["images"]:
        if "images/" + image["file"] not in files or not image["alt"]:
            yield f"{name}: image {image['file']} is missing or says nothing"
    if repeated(str(sorted(v["options"].items())) for v in product["variants"]):
        yield f"{name}: two variants with equal options"
    allowed = {option["name"]: option["values"] for option in product["options"]}
    for variant in product["variants"]:
        sku = variant["sku"]
        if not SKU.fullmatch(sku):
            yield f"{sku} is no SKU"
        if set(variant["options"]) != set(allowed) or any(
                value not in allowed[option] for option, value in variant["options"].items()):
            yield f"{sku}: options differ from the product's"
        for currency, (least, most) in PRICE.items():
            price = variant["prices"].get(currency)
            if type(price) is not int or not least <= price <= most:
                yield f"{sku}: {price} {currency}"
        if digital and (variant["weight_grams"], variant["stock"]) != (0, None):
            yield f"{sku}: digital goods have neither weight nor stock"
        if not digital and not (
                0 < variant["weight_grams"] <= 5000 and 0 <= variant["stock"] <= 900):
            yield f"{sku}: weight or stock out of range"


def flaws_of_files(files):
    for path, content in files.items():
        if path.endswith(".svg"):
            if len(content) > PICTURE_BYTES_MAX:
                yield f"{path} has {len(content)} bytes"
            ElementTree.fromstring(content)
            if FOREIGN.search(content):
                yield f"{path} refers to something outside or runs something"
        if path.endswith(".zip"):
            if len(content) > DOWNLOAD_BYTES_MAX:
                yield f"{path} has {len(content)} bytes"
            with zipfile.ZipFile(BytesIO(content)) as zipped:
                if zipped.testzip() or len(zipped.namelist()) != 2:
                    yield f"{path} is damaged"
                for member in zipped.namelist():
                    if member.endswith(".svg"):
                        ElementTree.fromstring(zipped.read(member))
                    if member.endswith(".json"):
                        json.loads(zipped.read(member))
    pictures = [content.split(b"</title>")[1] for path, content in files.items()
                if path.endswith(".svg")]
    if repeated(pictures):
        yield "two pictures are the same"


def flaws_of_places(shipping, tax):
    zones = [zone["id"] for zone in shipping["zones"]]
    methods = shipping["methods"]
    for value in repeated(zones) + repeated(method["id"] for method in methods):
        yield f"{value} occurs twice"
    for zone in zones:
        if not any(method["zone"] == zone for method in methods):
            yield f"nothing is delivered to {zone}"
    for method in methods:
        if method["zone"] not in zones or method["lead_days"] != sorted(method["lead_days"]):
            yield f"{method['id']}: unknown zone or odd lead days"
        for currency, tiers in method["tiers"].items():
            weights = [tier["max_weight_grams"] for tier in tiers]
            prices = [tier["price"] for tier in tiers]
            if weights != sorted(set(weights)) or prices != sorted(set(prices)) or prices[0] <= 0:
                yield f"{method['id']}: tiers in {currency} do not rise"
    reached = [(c["country"], prefix) for zone in shipping["zones"] for c in zone["countries"]
               for prefix in c["postal_prefixes"] or [""]]
    for value in repeated(reached):
        yield f"{value} lies in two zones"
    regions = [(region["country"], region["region"]) for region in tax["regions"]]
    for value in repeated(map(str, regions)):
        yield f"tax of {value} occurs twice"
    for country in sorted({country for country, _ in reached} | {tax["fallback"]["country"]}):
        if (country, None) not in regions:
            yield f"goods go to {country}, its tax is unknown"
    for region in tax["regions"]:
        for category in ("standard", "reduced", "digital"):
            if not 0 <= region["rates"][category]["ppm"] <= 270_000:
                yield f"{region['country']}: {category} rate out of range"


def main():
    files, catalog, shipping, tax = build()
    wrong = list(flaws(files, catalog, shipping, tax))
    for sentence in wrong:
        print("wrong:", sentence, file=sys.stderr)
    if wrong:
        return 1
    old = {str(path.relative_to(HERE)) for folder in ("images", "downloads")
           for path in (HERE / folder).glob("*")}
    stale = sorted(old - set(files))
    changed = [path for path, content in files.items()
               if not (HERE / path).exists() or (HERE / path).read_bytes() != content]
    if "--check" in sys.argv[1:]:
        for path in changed + stale:
            print("differs:", path, file=sys.stderr)
        return 1 if changed or stale else 0
    for path in stale:
        (HERE / path).unlink()
    for path in changed:
        (HERE / path).parent.mkdir(exist_ok=True)
        (HERE / path).write_bytes(files[path])
    products = catalog["products"]
    print(f"categories {len(catalog['categories'])}")
    for shop in ("Allure", "Fluxion"):
        own = [product for product in products if product["shop"] == shop]
        print(f"{shop}: products {len(own)}, variants {sum(len(p['variants']) for p in own)}")
    print(f"zones {len(shipping['zones'])}, methods {len(shipping['methods'])}, "
          f"tax regions {len(tax['regions'])}")
    for ending in ("svg", "zip"):
        sizes = [len(content) for path, content in files.items() if path.endswith(ending)]
        print(f"{ending} files {len(sizes)}, largest {max(sizes)} bytes, all {sum(sizes)}")
    print(f"files written {len(changed)}, removed {len(stale)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
