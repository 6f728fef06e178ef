"""Fluxion, the shop of digital templates: what it sells, and the file inside each download.

Every template is one small, working file built from the words and colours given here, zipped with
a README. The archive's bytes depend on nothing but this file: timestamps are fixed and
members are stored, because compressed bytes differ between versions of zlib.
"""

import io
import json
import zipfile

from art import dark, light, mix

CATEGORIES = [
    ("fluxion", "Fluxion", "Templates that open in an editor, not in a cloud.", None),
    ("websites", "Websites", "Pages of one file each, readable and fast.", "fluxion"),
    ("landing-pages", "Landing pages", "One page, one promise, one button.", "websites"),
    ("dashboards", "Dashboards", "Numbers laid out so that somebody acts on them.", "websites"),
    ("email-templates", "Email templates", "Mail that survives every inbox.", "fluxion"),
    ("icon-sets", "Icon sets", "Line icons on a 24-pixel grid, as plain SVG.", "fluxion"),
    ("ui-kits", "UI kits & tokens", "Parts and measures for your own design.", "fluxion"),
    ("documents", "Documents", "Paperwork that looks cared for.", "fluxion"),
]

# Glyphs on a 24-unit grid, drawn once: they are in the picture and in the customer's file.
COMMERCE = {
    "cart": "M3 4h3l2 11h10l2-8H7M9 20h.01M17 20h.01", "bag": "M5 8h14l1 12H4zM9 8a3 3 0 0 1 6 0",
    "box": "M4 8l8-4 8 4v9l-8 4-8-4zM4 8l8 4 8-4M12 12v9", "tag": "M4 4h8l8 8-8 8-8-8zM8 8h.01",
    "card": "M3 6h18v12H3zM3 10h18M7 15h4",
    "truck": "M2 6h12v10H2zM14 10h4l4 3v3h-8M6 19h.01M18 19h.01",
    "gift": "M4 10h16v10H4zM4 10V7h16v3M12 7v13M12 7q-5 0-4-3t4 3q5 0 4-3t-4 3",
    "return": "M8 5L4 9l4 4M4 9h10a5 5 0 0 1 0 10H8",
    "star": "M12 3l3 6 6 1-4 5 1 6-6-3-6 3 1-6-4-5 6-1z",
}
WEATHER = {
    "sun": "M12 8a4 4 0 1 0 .01 0M12 2v2M12 20v2M2 12h2M20 12h2"
           "M5 5l1 1M18 18l1 1M5 19l1-1M18 6l1-1",
    "cloud": "M7 18a4 4 0 0 1 0-8 6 6 0 0 1 11-1 4.5 4.5 0 0 1 0 9z",
    "rain": "M7 14a4 4 0 0 1 0-8 6 6 0 0 1 11-1 4.5 4.5 0 0 1 0 9z"
            "M8 17l-1 4M13 17l-1 4M18 17l-1 4",
    "bolt": "M13 2L5 14h6l-1 8 8-12h-6z", "moon": "M20 14A8 8 0 1 1 10 4a7 7 0 0 0 10 10z",
    "wind": "M3 9h11a3 3 0 1 0-3-3M3 13h16M3 17h9a2 2 0 1 1-2 2",
    "snow": "M12 2v20M3 7l18 10M3 17L21 7", "drop": "M12 3q7 8 7 12a7 7 0 0 1-14 0q0-4 7-12z",
    "dawn": "M3 18h18M7 18a5 5 0 0 1 10 0M12 4v5M9 6l3-3 3 3",
}
WAYS = {
    "pin": "M12 22q-7-8-7-13a7 7 0 0 1 14 0q0 5-7 13zM12 7a2 2 0 1 0 .01 0",
    "map": "M3 6l6-2 6 2 6-2v14l-6 2-6-2-6 2zM9 4v14M15 6v14",
    "lift": "M5 3h14v18H5zM9 10l3-4 3 4M9 14l3 4 3-4",
    "stairs": "M3 20h5v-5h5v-5h5V5h3", "exit": "M10 4H4v16h6M9 12h12M17 8l4 4-4 4",
    "train": "M6 3h12v13H6zM6 10h12M9 13h.01M15 13h.01M8 16l-3 5M16 16l3 5",
    "bike": "M6 13a4 4 0 1 0 .01 0M18 13a4 4 0 1 0 .01 0M6 17l4-8h6l2 8M9 9l4 8M14 6h3",
    "compass": "M12 3a9 9 0 1 0 .01 0M15 9l-2 4-4 2 2-4z", "flag": "M5 22V3h14l-3 5 3 5H5",
}
FINANCE = {
    "coin": "M12 3a9 9 0 1 0 .01 0M15 9a4 4 0 1 0 0 6M7 12h5",
    "bank": "M3 9l9-6 9 6zM5 9v9M10 9v9M14 9v9M19 9v9M3 21h18",
    "chart": "M4 3v18h17M8 17v-5M13 17V7M18 17v-8",
    "pie": "M12 3a9 9 0 1 0 9 9h-9zM16 3a6 6 0 0 1 5 5h-5z",
    "safe": "M3 4h18v15H3zM12 8a4 4 0 1 0 .01 0M12 10v2M6 19v2M18 19v2",
    "bill": "M6 2h12v20l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6",
    "scale": "M12 3v18M7 21h10M5 6h14M5 6l-3 8h6zM19 6l-3 8h6z",
    "trend": "M3 17l6-6 4 4 8-9M15 6h6v6", "lock": "M5 11h14v10H5zM8 11V7a4 4 0 0 1 8 0v4",
}


def landing(a, b, words):
    title, lede, button, points = words
    cards = "".join(f"<li><h2>{head}</h2><p>{body}</p></li>" for head, body in points)
    return "index.html", f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{ --main: {a}; --accent: {b}; --ink: {dark(a, 0.7)}; --paper: {light(a, 0.94)}; }}
  body {{ margin: 0; font: 1.1rem/1.6 system-ui, sans-serif; color: var(--ink);
    background: var(--paper); }}
  header {{ padding: 12vh 8vw; background: var(--main); color: #fff; }}
  h1 {{ font-size: clamp(2.2rem, 6vw, 4.5rem); line-height: 1.05; max-width: 14ch; margin: 0; }}
  header p {{ max-width: 46ch; }}
  a {{ display: inline-block; padding: .8em 1.6em; border-radius: 2em; background: var(--accent);
    color: var(--ink); text-decoration: none; font-weight: 600; }}
  ul {{ display: grid; gap: 2rem; padding: 4rem 8vw; margin: 0; list-style: none;
    grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }}
  h2 {{ font-size: 1.2rem; }}
</style>
<header>
  <h1>{title}</h1>
  <p>{lede}</p>
  <a href="#start">{button}</a>
</header>
<ul id="start">{cards}</ul>
</html>
"""


def dashboard(a, b, words):
    title, tiles, series = words
    top = max(series)
    step = 600 / (len(series) - 1)
    points = " ".join(f"{round(i * step)},{round(180 - 160 * n / top)}"
                      for i, n in enumerate(series))
    cards = "".join(f"<li><small>{name}</small><b>{value}</b></li>" for name, value in tiles)
    return "index.html", f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  body {{ margin: 0; display: grid; grid-template-columns: 12rem 1fr; min-height: 100vh;
    font: 1rem/1.5 system-ui, sans-serif; color: {dark(a, 0.7)}; background: {light(a, 0.92)}; }}
  nav {{ background: {a}; color: #fff; padding: 2rem 1.2rem; }}
  main {{ padding: 2rem; }}
  ul {{ display: flex; gap: 1rem; flex-wrap: wrap; padding: 0; list-style: none; }}
  li, figure {{ background: #fff; border-radius: 1rem; padding: 1rem 1.4rem; margin: 0; flex: 1; }}
  b {{ display: block; font-size: 1.8rem; font-variant-numeric: tabular-nums; }}
  polyline {{ fill: none; stroke: {b}; stroke-width: 4; stroke-linejoin: round; }}
</style>
<nav><strong>{title}</strong></nav>
<main>
  <ul>{cards}</ul>
  <figure>
    <svg viewBox="0 0 600 200" role="img" aria-label="{tiles[0][0]} over time">
      <polyline points="{points}"/>
    </svg>
  </figure>
</main>
</html>
"""


def mail(a, b, words):
    title, greeting, body, button = words
    return "mail.html", f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<body style="margin:0;background:{light(a, 0.88)}">
<span style="display:none">{greeting}</span>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
  <table role="presentation" width="560" cellpadding="0" cellspacing="0"
    style="max-width:100%;background:#ffffff;font:16px/1.6 Helvetica,Arial,sans-serif">
    <tr><td style="padding:32px;background:{a};color:#ffffff;font-size:26px">{title}</td></tr>
    <tr><td style="padding:32px;color:{dark(a, 0.7)}"><p>{greeting}</p><p>{body}</p></td></tr>
    <tr><td style="padding:0 32px 40px"><a href="{{{{link}}}}" style="background:{b};
      color:{dark(a, 0.8)};padding:14px 28px;text-decoration:none">{button}</a></td></tr>
  </table>
</td></tr></table>
</body>
</html>
"""


def icons(a, _b, words):
    _title, glyphs = words
    symbols = "\n".join(f'  <symbol id="{name}" viewBox="0 0 24 24"><path d="{d}"/></symbol>'
                        for name, d in glyphs.items())
    uses = "\n".join(f'  <use href="#{name}" x="{8 + i % 3 * 40}" y="{8 + i // 3 * 40}" width="24" '
                     'height="24"/>' for i, name in enumerate(glyphs))
    return "icons.svg", f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120"
  fill="none" stroke="{dark(a, 0.3)}" stroke-width="1.6"
  stroke-linecap="round" stroke-linejoin="round">
{symbols}
{uses}
</svg>
"""


def tokens(a, b, _words):
    ramp = {str(step): mix(light(a, 0.92), dark(a, 0.75), step / 900) for step in
            (0, 100, 300, 500, 700, 900)}
    accent = {"soft": light(b, 0.6), "base": b, "strong": dark(b, 0.35)}
    return "tokens.json", json.dumps({
        "color": {"neutral": ramp, "accent": accent},
        "space": {str(n): f"{n * 4}px" for n in (1, 2, 3, 4, 6, 8, 12, 16)},
        "radius": {"small": "6px", "medium": "12px", "pill": "999px"},
        "type": {"scale": "1.25", "body": "16px/1.6", "measure": "62ch"},
        "motion": {"quick": "120ms", "calm": "240ms", "easing": "cubic-bezier(.2,.8,.2,1)"},
    }, indent=2) + "\n"


def form(a, b, words):
    title, button = words
    return "form.html", f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
  form {{ max-width: 26rem; margin: 4rem auto; font: 1rem/1.5 system-ui, sans-serif; }}
  label {{ display: block; margin: 1.4rem 0 .3rem; font-weight: 600; }}
  input, select {{ width: 100%; box-sizing: border-box; padding: .8rem 1rem; font: inherit;
    border: 2px solid {mix(a, '#dddddd', 0.7)}; border-radius: .9rem; }}
  :is(input, select, button):focus-visible {{ outline: 3px solid {b}; outline-offset: 2px; }}
  input:user-invalid {{ border-color: #b3402e; }}
  button {{ margin-top: 2rem; padding: .9rem 2rem; border: 0; border-radius: 2rem; font: inherit;
    background: {a}; color: #fff; }}
</style>
<form>
  <h1>{title}</h1>
  <label for="name">Name</label><input id="name" autocomplete="name" required>
  <label for="mail">Email</label><input id="mail" type="email" autocomplete="email" required>
  <label for="size">Team size</label>
  <select id="size"><option>Just me</option><option>2 to 10</option><option>More</option></select>
  <button>{button}</button>
</form>
</html>
"""


def paper(a, b, words):
    title, left, rows = words
    lines = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows)
    return "document.html", f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
  @page {{ size: A4; margin: 18mm; }}
  body {{ max-width: 44rem; margin: 3rem auto; font: 11pt/1.5 Georgia, serif; color: #222; }}
  h1 {{ color: {a}; border-bottom: 6px solid {b}; padding-bottom: .4rem; }}
  table {{ width: 100%; border-collapse: collapse; }}
  td {{ padding: .6rem 0; border-bottom: 1px solid #ddd; }}
  td:last-child {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style>
<h1>{title}</h1>
<p>{left}</p>
<table>{lines}</table>
</html>
"""


def archive(product):
    """The download: README.txt and the template, with fixed times and permissions."""
    name, body = product["file"](product["main"], product["accent"], product["words"])
    readme = (f"{product['title']}\n{'=' * len(product['title'])}\n\n{product['copy']}\n\n"
              f"This is the sample edition: open {name} in a browser or an editor.\n"
              "Licence: use it in your own and your clients' work; do not resell it as a template."
              "\n")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for member, content in (("README.txt", readme), (name, body)):
            info = zipfile.ZipInfo(f"{product['slug']}/{member}", (2026, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            zipped.writestr(info, content)
    return out.getvalue()


def item(slug, title, leaf, code, prices, colours, art, alt, file, words, copy, team=3):
    """`art` is the kind of drawing and its layout; `team` multiplies the single licence."""
    return {
        "slug": slug, "title": title, "leaf": leaf, "code": code, "prices": prices,
        "main": colours[0], "accent": colours[1], "art": art, "alt": alt, "file": file,
        "words": words, "copy": " ".join(copy.split()), "team": team,
    }


PRODUCTS = [
    # ---- landing pages
    item("launchpad-landing", "Launchpad Landing Page", "landing-pages", "LND-PAD", (3900, 6200),
         ("#3d4f9f", "#f2b950"), ("landing", 0), "Browser window with an indigo launch page",
         landing, ("Ship it on a Tuesday",
                   "The calm way to announce a product people can use today.",
                   "Start for free", [("Import", "Bring your list in one paste."),
                                      ("Invite", "Share a link, not a manual."),
                                      ("Improve", "See what people click, then tidy up.")]), """
         A launch page for software that already works. Headline, proof, three steps, one button:
         the order in which visitors ask their questions. Weighs nine kilobytes and scores full
         marks before you touch anything."""),
    item("crumb-bakery-page", "Crumb, a Bakery Page", "landing-pages", "LND-CRM", (2900, 4600),
         ("#8a4b2d", "#f1d7a8"), ("landing", 1), "Browser window with a warm bakery page",
         landing, ("Bread at seven", "Sourdough, rye and one cake a day, until they are gone.",
                   "See today's oven", [("Visit", "Tuesday to Saturday, seven to two."),
                                        ("Order", "Write by four, collect tomorrow."),
                                        ("Learn", "Baking evenings every first Friday.")]), """
         For bakeries, cafes and anyone whose opening hours matter more than a slogan. Hours, daily
         menu and directions sit above the fold, and the menu is a plain list the night shift can
         edit by telephone."""),
    item("keynote-event-page", "Mainstage Event Page", "landing-pages", "LND-EVT", (4900, 7800),
         ("#5b3a8c", "#ff9d6c"), ("landing", 2), "Browser window with a dusk-coloured event page",
         landing, ("Two days on one stage", "Twelve speakers, long breaks and no parallel tracks.",
                   "Get a ticket", [("Talks", "Twenty minutes, then questions."),
                                    ("Place", "An old cinema by the river."),
                                    ("People", "Three hundred seats, all of them good.")]), """
         A conference site that answers when, where and how much without scrolling. The programme
         collapses to a timetable on a phone, because that is where it is read: in a corridor, in
         a hurry."""),
    item("doorbell-app-page", "Doorbell App Waitlist", "landing-pages", "LND-APP", (2400, 3800),
         ("#23706b", "#f4d35e"), ("landing", 3), "Browser window with a waitlist form and a phone",
         landing, ("Know who is at the door", "A neighbourly app, arriving house by house.",
                   "Join the waitlist", [("Private", "Pictures never leave your home."),
                                         ("Polite", "Quiet hours, observed by default."),
                                         ("Plain", "Two buttons: open, and not now.")]), """
         Collect addresses before there is an app to show. One field, an honest sentence about what
         happens next, and a phone frame that takes any screenshot you drop in."""),
    item("contact-sheet-portfolio", "Contact Sheet Portfolio", "landing-pages", "LND-PRT",
         (3400, 5400), ("#2f3e46", "#e07a5f"), ("landing", 4),
         "Browser window with six photo tiles",
         landing, ("Pictures, mostly of people", "Portraits and reportage, on film where it helps.",
                   "See the work", [("Portraits", "Two hours, one roll, tea."),
                                    ("Reportage", "Quietly, from the side."),
                                    ("Prints", "Signed, in editions of twenty.")]), """
         A photographer's site laid out like a contact sheet: everything visible, nothing cropped
         without being asked. Images load when they are about to be seen and never jump."""),
    item("plain-speaking-studio", "Plain Speaking Studio Page", "landing-pages", "LND-STD",
         (4400, 7000), ("#1f3b57", "#c8553d"), ("landing", 5), "Browser window with large headings",
         landing, ("We make hard things sound simple", "An editorial studio for technical teams.",
                   "Write to us", [("Listen", "A day with the people who know."),
                                   ("Draft", "One voice, three lengths."),
                                   ("Leave", "A guide, so you need us less.")]), """
         Typography does the work in this page for studios and consultants. No stock photography,
         no carousel: large words, generous margins, and a single column that ends in an
         address."""),
    # ---- dashboards
    item("ledger-sales-dashboard", "Ledger Sales Dashboard", "dashboards", "DSH-LDG", (7900, 12600),
         ("#2b4c7e", "#f2a65a"), ("dashboard", 0), "Dashboard with columns and a ring chart",
         dashboard, ("Ledger", [("Revenue", "48,210"), ("Orders", "612"), ("Returns", "1.8 %")],
                     [22, 25, 24, 31, 29, 36, 41, 39, 48]), """
         Revenue, orders and returns in one glance, each with the comparison that gives it meaning.
         Charts are hand-written SVG without a library, so you can read how every pixel got
         there."""),
    item("control-room-ops", "Control Room Operations Board", "dashboards", "DSH-OPS",
         (8900, 14200), ("#26413c", "#e2c044"), ("dashboard", 1),
         "Dashboard with an area chart and a list", dashboard,
         ("Control Room", [("Queue depth", "14"), ("Slowest, ms", "182"), ("Errors", "0")],
          [90, 60, 75, 40, 42, 30, 34, 20, 14]), """
         Built for the screen on the wall. Colours change only when somebody should stand up, the
         clock shows when the data was last fresh, and a stalled feed looks stalled."""),
    item("tideline-analytics", "Tideline Web Analytics", "dashboards", "DSH-TID", (5900, 9400),
         ("#3c6e71", "#f4a698"), ("dashboard", 2), "Dashboard with a calendar heat map",
         dashboard, ("Tideline", [("Visitors", "9,304"), ("Pages each", "2.7"),
                                 ("Subscribed", "118")],
                     [12, 30, 14, 36, 18, 40, 22, 46, 25]), """
         Traffic as tides: a heat map by hour and weekday shows when your readers come in. Ships
         with sample data in a single array that you replace with your own."""),
    item("runway-finance-board", "Runway Finance Board", "dashboards", "DSH-RUN", (9600, 15200),
         ("#4a3f6b", "#8fd694"), ("dashboard", 3), "Dashboard with a plan drawn as lanes",
         dashboard, ("Runway", [("Months left", "17"), ("Burn", "31,400"), ("Booked", "22,950")],
                     [60, 57, 53, 50, 44, 42, 37, 33, 30]), """
         How long does the money last? A board for founders with the three figures that decide it,
         a plan drawn as lanes, and a print view that fits on the page investors ask for."""),
    item("pulse-habit-tracker", "Pulse Habit Tracker", "dashboards", "DSH-PLS", (1900, 3000),
         ("#7a3e48", "#f6c667"), ("dashboard", 4), "Dashboard with columns under a curve",
         dashboard, ("Pulse", [("Day in a row", "23"), ("This week", "5 of 7"), ("Best", "41")],
                     [1, 2, 3, 3, 4, 5, 4, 6, 7]), """
         A personal dashboard that keeps its data in your browser and nowhere else. It counts days,
         forgives one missed evening a week and draws a small curve worth protecting."""),
    # ---- mail
    item("receipt-mail-pack", "Receipt Mail Pack", "email-templates", "EML-RCP", (2900, 4600),
         ("#40598a", "#f3c677"), ("mail", 0), "Open envelope with an order confirmation",
         mail, ("Your order is confirmed", "Thank you, {{first_name}}.",
                "We have your payment and are packing now. The list below is your receipt.",
                "View the order"), """
         Order, shipment, refund: the transactional trio every shop needs on day one. Tables where
         inboxes demand tables, live text everywhere, and totals that line up at the decimal
         point."""),
    item("first-hello-series", "First Hello Welcome Series", "email-templates", "EML-HEL",
         (3400, 5400), ("#2e7d6b", "#ffcf70"), ("mail", 1), "Open envelope with a welcome letter",
         mail, ("Glad you are here", "Hello {{first_name}}, and welcome.",
                "Here is the one thing worth doing first. It takes about two minutes.",
                "Do the first thing"), """
         Five welcome mails, spaced by what the reader has done and never by how impatient you are.
         Each carries one idea and one link. The copy is included and meant to be kept."""),
    item("sunday-edition-newsletter", "Sunday Edition Newsletter", "email-templates", "EML-SUN",
         (2400, 3800), ("#8c3b3b", "#eac67a"), ("mail", 2), "Open envelope with a newspaper layout",
         mail, ("The Sunday Edition", "Good morning, {{first_name}}.",
                "Three stories, one picture and something to cook. It takes as long as a coffee.",
                "Read the first story"), """
         A newsletter set like a small newspaper, with a masthead, a lead and a column of shorts.
         It folds into one column on a phone and prints, should someone's father ask."""),
    item("forgotten-basket-mails", "Forgotten Basket Mails", "email-templates", "EML-BSK",
         (1900, 3000), ("#5a4b81", "#f2a48e"), ("mail", 3), "Open envelope with a shopping bag",
         mail, ("Still thinking it over?", "Your basket is where you left it, {{first_name}}.",
                "We are holding nothing back and nothing hostage: prices are as they were.",
                "Return to the basket"), """
         Two reminders, written like a shop assistant with manners: here is what you left, here is
         how to get back, and here is how to make us stop. No countdown, no invented scarcity."""),
    item("miss-you-winback", "Miss You Win-back Mail", "email-templates", "EML-WIN", (500, 800),
         ("#a23e5a", "#f7b7a3"), ("mail", 4), "Open envelope with a heart",
         mail, ("It has been a while", "We noticed, {{first_name}}.",
                "If our letters are no use any more, one click ends them. If they are, hello.",
                "Stay in touch"), """
         One honest letter to people who went quiet. It asks a single question, respects either
         answer, and cleans your list while it is at it."""),
    # ---- icons
    item("counter-commerce-icons", "Counter, Commerce Icons", "icon-sets", "ICO-CNT", (1900, 3000),
         ("#2d4a6b", "#f6d186"), ("tiles", 0), "Nine tiles with shopping icons",
         icons, ("Counter", COMMERCE), """
         Carts, parcels, receipts and returns in one weight of line. Drawn on a 24-pixel grid with
         round joins, delivered as one sprite you can style with a single rule."""),
    item("forecast-weather-icons", "Forecast, Weather Icons", "icon-sets", "ICO-FOR", (1600, 2560),
         ("#3b6978", "#cfe3ec"), ("tiles", 1), "Nine tiles with weather icons",
         icons, ("Forecast", WEATHER), """
         Nine skies from first light to thunder. Shapes stay distinct at sixteen pixels, which is
         the size at which people decide about umbrellas."""),
    item("wayfinder-icons", "Wayfinder, Signage Icons", "icon-sets", "ICO-WAY", (2200, 3500),
         ("#4f5d2f", "#e9d98f"), ("tiles", 2), "Nine tiles with wayfinding icons",
         icons, ("Wayfinder", WAYS), """
         Lifts, stairs, trains and the way out. Tested on a corridor wall at ten metres and on a
         watch at thirty centimetres; the same file serves both."""),
    item("vault-finance-icons", "Vault, Finance Icons", "icon-sets", "ICO-VLT", (2400, 3800),
         ("#54426b", "#c9e4ca"), ("tiles", 3), "Nine tiles with finance icons",
         icons, ("Vault", FINANCE), """
         Icons for money that are not yet another bag with a currency sign on it. Banks, bills,
         scales and trends with matching optical weight, ready for dark and light surfaces."""),
    # ---- kits
    item("fieldwork-form-kit", "Fieldwork Form Kit", "ui-kits", "KIT-FRM", (4900, 7800),
         ("#355c7d", "#f0a868"), ("kit", 0), "Form parts: fields, switches, a slider, a button",
         form, ("Tell us about your team", "Send it over"), """
         Inputs, switches and sliders that announce themselves to screen readers and explain their
         mistakes in words. Plain HTML and CSS; validation is the browser's own, only better
         mannered."""),
    item("undertone-design-tokens", "Undertone Design Tokens", "ui-kits", "KIT-TOK", (2900, 4600),
         ("#4b6a5a", "#d98e73"), ("kit", 1), "Colour swatches and a scale of steps",
         tokens, (), """
         Colour ramps, spacing, type and motion as one JSON file that feeds a stylesheet, an app or
         a drawing tool. Neutral greys lean green, so that photographs look warm beside them."""),
    # ---- documents
    item("tidy-invoice-set", "Tidy Invoice Set", "documents", "DOC-INV", (1500, 2400),
         ("#2f4858", "#f4b860"), ("sheet", 0), "Invoice on paper with rows and a total",
         paper, ("Invoice 2026-001", "For work done in March, payable within fourteen days.",
                 [("Workshop, two days", "1,800.00"), ("Travel", "164.50"), ("VAT 19 %", "373.26"),
                  ("Total", "2,337.76")]), """
         Invoice, quote and reminder from one stylesheet, printing cleanly to a single sheet.
         Figures align, tax is its own line, and the reminder is firmer than it is rude."""),
    item("second-page-cv", "Second Page CV", "documents", "DOC-CV", (1200, 1900),
         ("#3f4f75", "#e5a4a0"), ("sheet", 1), "CV with a coloured side column",
         paper, ("Alex Example",
                 "Carpenter turned interface designer. Reads drawings, draws tables.",
                 [("Design lead, a furniture maker", "2022 to now"),
                  ("Interface designer, a railway", "2018 to 2022"),
                  ("Journeyman carpenter", "2013 to 2018")]), """
         A CV for people with more to say than fits on one page and the taste not to say it all.
         The side column carries facts, the wide one carries stories."""),
]
