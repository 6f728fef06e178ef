"""The pictures of the demo shop: one flat illustration per product, drawn as SVG.

A picture is a ground (a gradient and one quiet shape behind), a silhouette with its shadow, and a
few details. The canvas is 800 x 800 and symmetrical things are written as their right half only.
No scripts, no fonts, no references outside the file.
"""

INK = "#1d1f27"
PAPER = "#fffdf9"

GROUNDS = [
    ("#f6ecdf", "#e5d1b8"), ("#e8f0f4", "#c3d6e1"), ("#fcebe5", "#f1c6b8"),
    ("#eaf1e5", "#c3d5b8"), ("#efebf8", "#cfc4ea"), ("#fdf4d9", "#f3d991"),
    ("#4d5766", "#2c333f"), ("#e4f3ef", "#aed8cd"), ("#f9e6ee", "#e9b9cd"),
    ("#5a4a5e", "#33293a"),
]


def channels(colour):
    return [int(colour[i:i + 2], 16) for i in (1, 3, 5)]


def mix(a, b, share):
    """The colour `share` of the way from `a` to `b`."""
    pairs = zip(channels(a), channels(b))
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in pairs)


def light(colour, share=0.25):
    return mix(colour, "#ffffff", share)


def dark(colour, share=0.25):
    return mix(colour, INK, share)


def luminance(colour):
    r, g, b = channels(colour)
    return (299 * r + 587 * g + 114 * b) / 255000


def distance(a, b):
    return sum(abs(x - y) for x, y in zip(channels(a), channels(b)))


def edge(colour):
    """A line that shows on the cloth, whether the cloth is pale or dark."""
    return dark(colour, 0.34) if luminance(colour) > 0.3 else light(colour, 0.3)


def sym(start, *halves):
    """A closed path from its right half: segments of 2 (L), 4 (Q) or 6 (C) numbers."""
    letter = {2: "L", 4: "Q", 6: "C"}
    points, out = [start], [f"M{start[0]} {start[1]}"]
    for half in halves:
        out.append(letter[len(half)] + " ".join(str(n) for n in half))
        points.append(half[-2:])
    for index in range(len(halves) - 1, -1, -1):
        half = halves[index]
        pairs = [half[i:i + 2] for i in range(0, len(half) - 2, 2)][::-1] + [points[index]]
        out.append(letter[len(half)] + " ".join(f"{800 - x} {y}" for x, y in pairs))
    return "".join(out) + "Z"


def fill(d, colour, more=""):
    return f'<path d="{d}" fill="{colour}"{more}/>'


def line(d, colour, width=5, more=""):
    return (f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width}"'
            f' stroke-linecap="round" stroke-linejoin="round"{more}/>')


def both(part):
    """The part and its mirror image."""
    return f'{part}<g transform="matrix(-1 0 0 1 800 0)">{part}</g>'


def box(x, y, w, h, colour, r=0, more=""):
    round_ = f' rx="{r}"' if r else ""
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}"{round_} fill="{colour}"{more}/>'


def dot(x, y, r, colour, more=""):
    return f'<circle cx="{x}" cy="{y}" r="{r}" fill="{colour}"{more}/>'


# ---- silhouettes: the right half, from the top middle to the bottom middle -----------------------

TEE = sym((400, 246), (452, 244, 474, 196), (556, 224), (664, 348), (590, 406), (548, 362),
          (558, 634), (480, 650, 400, 650))
TANK = sym((400, 300), (456, 296, 464, 186), (506, 186), (508, 290, 556, 330), (556, 634),
           (480, 650, 400, 650))
SLEEVED = sym((400, 240), (450, 238, 470, 194), (548, 220), (612, 260, 622, 360), (662, 606),
              (598, 626), (548, 392), (554, 634), (480, 650, 400, 650))
VNECK = sym((400, 380), (472, 194), (548, 220), (612, 260, 622, 360), (662, 606), (598, 626),
            (548, 392), (554, 634), (480, 650, 400, 650))
VEST = sym((400, 340), (468, 190), (532, 214), (528, 300, 562, 356), (560, 634),
           (480, 650, 400, 650))
COAT = sym((400, 300), (468, 168), (546, 196), (606, 232, 616, 340), (650, 584), (588, 602),
           (546, 372), (574, 700), (480, 716, 400, 716))
TROUSERS = sym((400, 136), (502, 136), (522, 300, 530, 460), (540, 690), (440, 696), (400, 340))
WIDE = sym((400, 136), (492, 136), (520, 220), (590, 692), (432, 700), (400, 330))
JOGGER = sym((400, 136), (508, 136), (540, 260, 528, 420), (508, 690), (438, 694), (400, 350))
SHORTS = sym((400, 220), (520, 220), (548, 340, 572, 560), (434, 580), (400, 410))
SKIRT = sym((400, 190), (486, 190), (508, 300, 614, 640), (520, 676, 400, 676))
DRESS = sym((400, 250), (448, 240, 462, 150), (510, 160), (508, 250, 528, 300), (486, 392),
            (520, 480, 610, 680), (510, 716, 400, 716))
SLIP = sym((400, 262), (440, 256, 476, 214), (516, 290), (494, 400), (520, 520, 590, 690),
           (500, 716, 400, 716))
SLEEVED_DRESS = sym((400, 210), (440, 206, 456, 150), (530, 174), (590, 210, 600, 310),
                    (622, 476), (566, 492), (526, 336), (496, 410), (530, 500, 596, 690),
                    (500, 716, 400, 716))
BEANIE = sym((400, 210), (560, 214, 570, 372, 574, 500), (584, 500), (584, 606),
             (500, 622, 400, 622))
TOTE = sym((400, 330), (578, 330), (606, 690), (500, 700, 400, 700))
BACKPACK = sym((400, 190), (540, 190, 566, 260, 570, 380), (580, 640), (578, 690, 530, 692),
               (400, 692))
APRON = sym((400, 200), (478, 200), (486, 300, 560, 360), (572, 680), (400, 690))
BOOK = "M236 190H560Q574 190 574 204V640Q574 654 560 654H236Z"
TIN = "M240 400H560V590Q560 640 400 640T240 590Z"
CAP = ("M226 470Q226 270 400 262Q560 268 572 450Q660 470 712 540Q620 560 560 536Q400 500 226 "
       "520Z")
SCARF = ("M300 190Q400 130 500 190Q560 240 520 330L500 360L560 680L440 694L410 420L388 640L270 "
         "626L310 360Q240 250 300 190Z")
SOCKS = ("M286 170H396V430Q396 480 350 520L262 590Q210 626 178 584Q160 546 200 514L286 440ZM500 "
         "210H610V470Q610 520 564 560L476 630Q424 666 392 624Q374 586 414 554L500 480Z")
GLOVES = ("M220 650V470L176 404Q166 366 204 368L250 420V240Q270 214 290 240V210Q312 184 334 "
          "210V240Q354 220 370 246V460L360 650ZM580 650V470L624 404Q634 366 596 368L550 "
          "420V240Q530 214 510 240V210Q488 184 466 210V240Q446 220 430 246V460L440 650Z")
UMBRELLA = ("M400 170Q640 190 690 450Q652 412 604 450Q560 408 502 450Q452 408 400 450Q348 408 "
            "298 450Q240 408 196 450Q148 412 110 450Q160 190 400 170Z")
SHADES = ("M130 340H372Q400 322 428 340H670V372L652 378Q652 500 556 500Q456 500 440 392Q400 366 "
          "360 392Q344 500 244 500Q148 500 148 378L130 372Z")
BANDANA = "M140 250Q400 330 660 250L420 640Q400 664 380 640Z"
THROW = ("M220 210H560Q590 210 590 240V600H610Q610 630 580 630H240Q210 630 210 600V240Q210 210 "
         "220 210Z")


# ---- details of garments -------------------------------------------------------------------------

def crew(c):
    return line("M326 198Q346 250 400 250T474 198", edge(c), 15)


def rib(c):
    return crew(c) + line("M250 622H550", edge(c), 3, ' stroke-dasharray="2 11"') + both(
        line("M598 596L656 578", edge(c), 4))


def seams(c):
    return both(line("M548 226Q530 300 548 390", edge(c), 4))


def folds(c):
    return both(line("M520 470Q506 540 514 610", edge(c), 4, ' opacity=".6"'))


def collar(c):
    inside = fill("M326 198Q400 150 474 198Q452 250 400 262Q348 250 326 198Z", dark(c, 0.3))
    return inside + both(fill("M400 262L338 188L352 168Q400 196 400 196Z", light(c, 0.3))
                + line("M400 262L338 188L352 168", edge(c), 4))


def placket(c, bottom=640):
    dots = "".join(dot(400, y, 7, edge(c)) for y in range(310, bottom - 20, 64))
    return line(f"M384 262V{bottom}M416 262V{bottom}", edge(c), 3) + dots


def half_placket(c):
    return line("M382 262V386H418V262", edge(c), 4) + dot(400, 300, 6, edge(c)) + dot(
        400, 346, 6, edge(c))


def pocket(c):
    return line("M446 344H514V404L480 424L446 404Z", edge(c), 4)


def flap_pockets(c):
    return both(line("M442 500H524V588H442ZM442 526H524", edge(c), 4))


def hood(c):
    return (fill("M322 206Q300 110 400 108T478 206Q446 262 400 264T322 206Z", dark(c, 0.14))
            + fill("M346 210Q340 148 400 146T454 210Q430 246 400 246T346 210Z", dark(c, 0.4))
            + both(line("M424 252V330", light(c, 0.55), 5)))


def kangaroo(c):
    return line("M320 470H480L520 584H280Z", edge(c), 5)


def zipper(c, top=250, bottom=646):
    return (line(f"M400 {top}V{bottom}", edge(c), 5)
            + line(f"M400 {top}V{bottom}", light(c, 0.5), 9, ' stroke-dasharray="1 14"')
            + box(393, top, 14, 26, light(c, 0.6), 4))


def lapels(c):
    return both(fill("M400 372L334 172L300 184L318 262L296 282Z", dark(c, 0.16))
                + line("M400 372L296 282L318 262L300 184", edge(c), 3)) + line(
        "M400 372V712", edge(c), 4)


def double_buttons(c):
    return both("".join(dot(436, y, 9, edge(c)) for y in (430, 520, 610)))


def waist_belt(c, y=446):
    return box(262, y, 276, 26, dark(c, 0.26), 5) + line(
        f"M384 {y - 4}h36v34h-36z", light(c, 0.45), 6)


def rollneck(c):
    return box(330, 158, 140, 96, light(c, 0.08), 22) + line(
        "M352 168V238M376 166V244M400 166V246M424 166V244M448 168V238", edge(c), 4)


def cables(c):
    one = "".join(f"M462 {y}q22 18 0 36q-22 18 0 36" for y in range(300, 600, 72))
    two = "".join(f"M462 {y}q-22 18 0 36q22 18 0 36" for y in range(300, 600, 72))
    return both(line(one + two, edge(c), 5))


def v_band(c):
    return line("M328 196L400 374L472 196", edge(c), 13)


def waistband(c, y=136, half=102):
    x = 400 - half
    return box(x, y, 2 * half, 32, dark(c, 0.16), 4) + both(
        line(f"M{400 + half - 4} {y + 46}q-36 8-44 66", edge(c), 4))


def crease(c):
    return both(line("M464 220L490 686", edge(c), 4, ' opacity=".7"'))


def fly(c, y=168):
    return line(f"M400 {y}v120q26-10 26-50v-70", edge(c), 4)


def turn_ups(c):
    return both(fill("M439 660H539L541 694L438 698Z", light(c, 0.4)))


def drawstring(c, y=150):
    return both(line(f"M404 {y + 10}q14 20 14 84", light(c, 0.6), 6))


def cuffs(c):
    return both(fill("M444 652L512 650L508 692L438 696Z", dark(c, 0.2)))


def pleats(c):
    return both(line("M400 226V674M432 226L452 672M460 226L514 664M480 226L572 654", edge(c), 4)
                ) + box(314, 190, 172, 34, dark(c, 0.16), 4)


def wrap(c):
    return line("M460 152L318 392M338 152L400 246", edge(c), 5) + line(
        "M318 392Q430 500 470 708", edge(c), 5) + box(312, 380, 176, 24, dark(c, 0.2), 6) + line(
        "M330 394q-40 60-30 120M334 394q-10 60 6 96", dark(c, 0.2), 10)


def straps(c):
    return both(line("M470 222Q452 150 440 120", dark(c, 0.1), 9))


def gathers(c):
    return both(line("M420 420L432 690M448 420L506 684", edge(c), 4, ' opacity=".7"'))


def quilting(c):
    return both(line("M540 260L404 396M548 340L404 484M548 428L404 572M552 512L412 652"
                     "M404 300L548 444M404 388L550 534M404 476L552 624", edge(c), 3))


# ---- things that are not garments ----------------------------------------------------------------

def cap_parts(c):
    return (line("M400 264Q330 350 330 506M400 264Q476 350 484 510", edge(c), 4)
            + fill("M572 450Q660 470 712 540Q620 560 560 536Q540 500 572 450Z", dark(c, 0.22))
            + dot(400, 262, 13, dark(c, 0.3)) + dot(288, 390, 6, edge(c))
            + dot(524, 388, 6, edge(c))
            + line("M352 420q28-48 56 0q28 48 56 0", light(c, 0.65), 9))


def beanie_parts(c):
    ribs = "".join(f"M{x} 506V614" for x in range(236, 584, 30))
    return (box(214, 496, 372, 124, light(c, 0.12), 20) + line(ribs, edge(c), 4)
            + line("M400 214V490M330 230Q290 330 286 490M470 230Q510 330 514 490", edge(c), 4))


def scarf_parts(c):
    fringe = "".join(f"M{x} {y}v34" for x, y in zip(range(278, 388, 18), range(628, 642, 2)))
    fringe += "".join(f"M{x} {y}v34" for x, y in zip(range(446, 560, 18), range(694, 680, -2)))
    return (line("M310 360Q400 420 500 360M330 250Q400 300 470 246", edge(c), 5)
            + line(fringe, dark(c, 0.2), 7)
            + line("M278 570L386 584M286 530L390 544M420 610L544 596M414 570L536 556",
                   light(c, 0.55), 12))


def sock_parts(c):
    return (box(286, 170, 110, 44, dark(c, 0.25)) + box(500, 210, 110, 44, dark(c, 0.25))
            + fill("M262 590Q210 626 178 584Q160 546 200 514Q250 530 262 590Z", light(c, 0.45))
            + fill("M476 630Q424 666 392 624Q374 586 414 554Q464 570 476 630Z", light(c, 0.45))
            + line("M286 260H396M286 290H396M500 300H610M500 330H610", light(c, 0.45), 10))


def belt_parts(c):
    ring = "M400 230a190 170 0 1 0 1 0Z"
    return (line(ring, "#000", 66, ' stroke-opacity=".15" transform="translate(12 22)"')
            + line(ring, c, 66)
            + line(ring, light(c, 0.4), 4, ' stroke-dasharray="11 10"')
            + line(ring, edge(c), 3) + box(340, 520, 120, 100, "none", 14,
                                           ' stroke="#c9a24a" stroke-width="15"')
            + line("M400 570H462", "#a98232", 12)
            + "".join(dot(x, y, 6, dark(c, 0.6)) for x, y in (
                (490, 553), (518, 537), (543, 516))))


def tote_parts(c):
    return (line("M312 334Q310 160 400 160T488 334", dark(c, 0.2), 22)
            + line("M218 362H582", edge(c), 3, ' stroke-dasharray="9 9"')
            + line("M400 600V500M340 600H460", edge(c), 9)
            + fill("M400 520Q300 520 306 440Q390 436 400 520Q410 410 500 404Q506 500 400 520",
                   edge(c)))


def backpack_parts(c):
    return (line("M356 192Q356 140 400 140T444 192", dark(c, 0.3), 16)
            + fill("M236 360Q236 230 400 230T564 360V390Q400 420 236 390Z", dark(c, 0.14))
            + box(268, 470, 264, 180, light(c, 0.14), 22) + line("M268 520H532", edge(c), 5)
            + both(box(452, 372, 26, 118, "#b98a4e", 6) + box(448, 440, 34, 26, "#e9d3a4", 5)))


def glove_parts(c):
    return both(line("M444 590H576M442 610H578M441 630H579", edge(c), 5)
                + line("M466 240V400M510 240V400M550 420V300", edge(c), 4))


def umbrella_parts(c):
    return (line("M400 140V176M400 440V640Q400 700 446 700T492 650", "#7a5534", 15)
            + line("M400 172Q300 260 298 448M400 172Q500 260 502 448M400 172Q230 240 196 448"
                   "M400 172Q580 240 604 448", edge(c), 4))


def shades_parts(c):
    lens = "M446 372H640Q636 482 556 482T446 372Z"
    return both(fill(lens, "#2f3d44") + line("M560 384L500 460M600 384L530 470", PAPER, 12,
                                           ' stroke-opacity=".3"'))


def apron_parts(c):
    return (line("M336 204Q330 110 400 110T464 204", dark(c, 0.3), 13)
            + both(line("M558 366Q630 380 650 470", dark(c, 0.3), 11))
            + line("M320 470H480V600H320ZM400 470V600", edge(c), 5)
            + both(dot(474, 218, 7, "#c9a24a")))


def bandana_parts(c):
    marks = "".join(dot(x, y, 15, light(c, 0.7)) for x, y in (
        (270, 330), (400, 356), (530, 330), (340, 440), (460, 440), (400, 540)))
    return line("M176 284Q400 356 624 284L420 606Q400 630 380 606Z", light(c, 0.6), 6) + marks


def book_parts(c):
    return (box(236, 190, 42, 464, dark(c, 0.3)) + box(322, 262, 210, 8, light(c, 0.6))
            + box(322, 290, 140, 8, light(c, 0.6)) + line(
                "M356 560L396 400Q430 380 464 400L504 560ZM396 400L430 440L464 400", light(c, 0.6),
                7) + fill("M240 654H560L574 672H254Z", PAPER))


def tin_parts(c):
    buttons = "".join(dot(x, y, r, k) + holes(x, y, r) for x, y, r, k in (
        (330, 372, 38, "#b65c45"), (420, 352, 46, "#e7d7b8"), (496, 382, 32, "#4a6a7c"),
        (380, 310, 30, "#3f4a3c")))
    lid = f'<ellipse cx="400" cy="400" rx="160" ry="44" fill="{dark(c, 0.45)}"/>'
    return lid + buttons + fill("M240 402Q250 444 400 444T560 402V590Q560 640 400 640T240 590Z", c
                                ) + line("M240 470Q400 520 560 470", light(c, 0.55), 7)


def holes(x, y, r):
    d = f"M{x - 9} {y - 7}v.1M{x + 9} {y - 7}v.1M{x - 9} {y + 9}v.1M{x + 9} {y + 9}v.1"
    return line(d, INK, r // 5) + f'<circle cx="{x}" cy="{y}" r="{r - 6}" fill="none" ' + (
        'stroke="#000" stroke-opacity=".2" stroke-width="4"/>')


def throw_parts(c):
    fringe = "".join(f"M{x} 632v32" for x in range(228, 604, 22))
    return (line(fringe, dark(c, 0.15), 7)
            + fill("M210 290H590V312H210ZM210 530H590V552H210Z", light(c, 0.55))
            + fill("M210 336H590V344H210ZM210 498H590V506H210Z", dark(c, 0.25))
            + line("M400 212V628", edge(c), 3, ' opacity=".6"'))


def pattern(kind, c):
    """A cloth pattern, to be laid over the whole silhouette."""
    pale = light(c, 0.62) if luminance(c) < 0.6 else dark(c, 0.3)
    tile = {
        "stripes": (48, f'<path d="M0 12H48" stroke="{pale}" stroke-width="13"/>'),
        "pinstripe": (34, f'<path d="M17 0V34" stroke="{pale}" stroke-width="4"/>'),
        "check": (64, f'<path d="M0 16H64M16 0V64" stroke="{pale}" stroke-width="20"'
                      ' opacity=".45"/>'
                      f'<path d="M0 48H64M48 0V64" stroke="{dark(c, .5)}" stroke-width="6"'
                      ' opacity=".5"/>'),
        "dots": (54, dot(14, 14, 6, pale) + dot(41, 41, 6, pale)),
        "leaves": (86, f'<path d="M12 40Q34 6 60 16Q48 48 12 40M50 80Q58 54 80 58Q76 82 50 80" '
                       f'fill="{pale}" opacity=".75"/>'),
        "twill": (18, f'<path d="M0 18L18 0" stroke="{pale}" stroke-width="2" opacity=".5"/>'),
        "waves": (60, f'<path d="M0 30q15-20 30 0t30 0" fill="none" stroke="{pale}" '
                      'stroke-width="6"/>'),
    }
    size, inner = tile[kind]
    return (f'<pattern id="p" width="{size}" height="{size}" patternUnits="userSpaceOnUse">{inner}'
            "</pattern>")


KINDS = {
    "tee": (TEE, [crew, folds]), "pocket-tee": (TEE, [crew, pocket]),
    "polo": (TEE, [half_placket, collar]), "camp": (TEE, [placket, collar, pocket]),
    "tank": (TANK, [folds]), "longsleeve": (SLEEVED, [crew, seams]),
    "shirt": (SLEEVED, [seams, placket, collar]),
    "overshirt": (SLEEVED, [seams, placket, collar, flap_pockets]),
    "blouse": (SLEEVED, [folds, crew, placket]), "sweater": (SLEEVED, [rib, seams, folds]),
    "rollneck": (SLEEVED, [seams, folds, rollneck]), "vest": (VEST, [cables]),
    "cardigan": (VNECK, [v_band, lambda c: placket(c)[:0] + line("M400 376V648", edge(c), 5),
                         cables]),
    "sweatshirt": (SLEEVED, [rib, seams]), "hoodie": (SLEEVED, [hood, zipper, kangaroo]),
    "fleece": (SLEEVED, [seams, collar, lambda c: zipper(c, 230, 400)]),
    "chore": (SLEEVED, [seams, placket, collar, flap_pockets]),
    "shell": (SLEEVED, [seams, hood, lambda c: zipper(c, 262), flap_pockets]),
    "quilted": (SLEEVED, [quilting, crew, zipper]),
    "coat": (COAT, [lapels, double_buttons]),
    "trench": (COAT, [lapels, double_buttons, waist_belt]),
    "denim-jacket": (SLEEVED, [seams, placket, collar, lambda c: both(
        line("M440 330H526V380L483 400L440 380ZM440 350H526M452 420L440 640", "#d9a75a", 4))]),
    "chinos": (TROUSERS, [waistband, fly, crease]), "jeans": (TROUSERS, [waistband, fly, turn_ups]),
    "wide": (WIDE, [lambda c: waistband(c, half=92), fly, crease]),
    "drawstring": (WIDE, [lambda c: waistband(c, half=92), drawstring]),
    "jogger": (JOGGER, [lambda c: waistband(c, half=108), drawstring, cuffs]),
    "shorts": (SHORTS, [lambda c: waistband(c, 220, 120), lambda c: fly(c, 252)]),
    "swim": (SHORTS, [lambda c: waistband(c, 220, 120), lambda c: drawstring(c, 240)]),
    "skirt": (SKIRT, [pleats]), "wrap-dress": (DRESS, [wrap]),
    "slip-dress": (SLIP, [straps, gathers]),
    "shirt-dress": (SLEEVED_DRESS, [lambda c: placket(c, 706), lambda c: both(fill(
        "M400 226L344 150L356 134L400 164Z", light(c, 0.3))), lambda c: box(
            304, 396, 192, 24, dark(c, 0.25), 5)]),
    "knit-dress": (SLEEVED_DRESS, [lambda c: line("M344 152Q360 212 400 212T456 152", edge(c), 15),
                                   gathers]),
    "cap": (CAP, [cap_parts]), "beanie": (BEANIE, [beanie_parts]), "scarf": (SCARF, [scarf_parts]),
    "socks": (SOCKS, [sock_parts]), "belt": ("", [belt_parts]), "tote": (TOTE, [tote_parts]),
    "backpack": (BACKPACK, [backpack_parts]), "gloves": (GLOVES, [glove_parts]),
    "umbrella": (UMBRELLA, [umbrella_parts]), "shades": (SHADES, [shades_parts]),
    "apron": (APRON, [apron_parts]), "bandana": (BANDANA, [bandana_parts]),
    "book": (BOOK, [book_parts]), "tin": (TIN, [tin_parts]), "throw": (THROW, [throw_parts]),
}


# ---- templates: windows, letters, tiles, sheets --------------------------------------------------

def window(accent, inner, bar=PAPER):
    return (box(122, 172, 580, 480, "#000", 22, ' opacity=".14"')
            + box(110, 150, 580, 480, PAPER, 22)
            + fill("M110 200V172Q110 150 132 150H668Q690 150 690 172V200Z", mix(bar, accent, 0.14))
            + dot(140, 176, 8, "#e8826b") + dot(166, 176, 8, "#efc25e")
            + dot(192, 176, 8, "#7fbf8e")
            + inner)


def text(x, y, widths, colour, h=12, gap=24):
    d = "".join(f"M{x} {y + i * gap}h{w}" for i, w in enumerate(widths))
    return line(d, colour, h)


def landing(a, b, form):
    grey = mix(a, "#d9d9de", 0.8)
    hero = {
        0: box(110, 200, 580, 250, a) + text(160, 270, [250, 200], PAPER, 22, 44) + box(
            160, 360, 120, 44, b, 22) + dot(560, 320, 82, b) + dot(590, 300, 48, light(b, 0.5)),
        1: box(400, 200, 290, 430, b) + text(150, 280, [200, 170], a, 22, 42) + box(
            150, 390, 130, 44, a, 8) + fill("M450 560Q450 330 545 330T640 560Z", a) + line(
                "M490 420q20-50 0-90M545 410q20-50 0-90M600 420q20-50 0-90", light(a, 0.6), 10),
        2: box(110, 200, 580, 430, dark(a, 0.35)) + fill(
            "M400 230L690 630H110Z", a, ' opacity=".7"') + dot(400, 330, 66, b) + text(
                290, 470, [220], PAPER, 26) + text(330, 512, [140], light(a, 0.6)) + box(
                    330, 550, 140, 44, b, 22),
        3: text(240, 270, [320], a, 26) + text(280, 312, [240], grey) + box(
            210, 352, 270, 54, grey, 27) + box(430, 352, 160, 54, b, 27) + box(
                310, 450, 180, 180, a, 24) + box(330, 474, 140, 156, light(a, 0.6), 10) + dot(
                    400, 540, 34, b),
        4: "".join(box(140 + i % 3 * 178, 226 + i // 3 * 196, 164, 182, mix(a, b, i / 5), 6)
                   for i in range(6)) + fill("M140 408L210 300L304 408Z", light(a, 0.4)) + dot(
                       586, 300, 34, PAPER),
        5: text(150, 270, [330, 280, 180], a, 26, 52) + box(150, 410, 90, 10, b) + text(
            150, 470, [150, 150, 110], grey) + text(350, 470, [150, 130, 150], grey) + box(
                560, 240, 90, 340, b, 45),
    }[form]
    feet = "" if form else "".join(
        box(160 + i * 170, 486, 140, 104, mix(a, "#ffffff", 0.8), 14)
        + dot(190 + i * 170, 516, 14, b)
        + text(186 + i * 170, 556, [80], grey) for i in range(3))
    return window(a, hero + feet)


def dashboard(a, b, form):
    grey, pale = mix(a, "#dcdce2", 0.75), mix(a, "#ffffff", 0.86)
    side = box(110, 200, 104, 408, a) + fill("M110 600H214V630H132Q110 630 110 608Z", a) + text(
        136, 240, [52, 40, 48, 36], light(a, 0.55), 10, 44)
    bars = "".join(box(250 + i * 40, 560 - h, 24, h, b if i == form + 1 else light(a, 0.3), 5)
                   for i, h in enumerate((70, 110, 90, 150, 128, 176)))
    wave = fill("M244 560V480Q290 420 336 470T430 430T500 380V560Z", b, ' opacity=".35"') + line(
        "M244 480Q290 420 336 470T430 430T500 380", b, 8)
    ring = (f'<circle cx="592" cy="470" r="56" fill="none" stroke="{grey}" stroke-width="24"/>'
            f'<circle cx="592" cy="470" r="56" fill="none" stroke="{b}" stroke-width="24" '
            f'stroke-dasharray="{130 + 40 * form} 400"/>')
    rows = line("".join(f"M550 {y}h1" for y in range(396, 580, 44)), b, 24) + text(
        580, 396, [72, 60, 72, 50, 66], grey, 12, 44)
    tiles = (fill("".join(f"M{x} 240h106v68h-106z" for x in (252, 398, 544)), pale,
                  f' stroke="{pale}" stroke-width="26" stroke-linejoin="round"')
             + line("M260 254h50M406 254h50M552 254h50", grey, 12)
             + line("M260 288h84M406 288h70M552 288h56", a, 18))
    shades = [""] * 4
    for i in range(35):
        shades[i * 37 % 11 % 4] += f"M{252 + i % 7 * 38} {378 + i // 7 * 38}h14v14h-14z"
    heat = "".join(fill(d, mix(pale, b, i / 3), f' stroke="{mix(pale, b, i / 3)}" stroke-width="12"'
                        ' stroke-linejoin="round"') for i, d in enumerate(shades))
    lanes = "".join(box(244 + s, 376 + i * 42, w, 24, b if i % 2 else light(a, 0.25), 12)
                    for i, (s, w) in enumerate(
                        ((0, 130), (60, 150), (30, 90), (120, 130), (90, 70))))
    chart = (bars, wave, heat, lanes, wave + bars)[form]
    return window(a, side + tiles + chart + (rows if form in (1, 3) else ring))


def mail(a, b, form):
    letter = {
        0: text(270, 220, [130], a, 22) + text(270, 268, [260, 260, 180], "#d8d4cf"),
        1: dot(400, 250, 56, b) + text(310, 340, [180], a, 20) + text(290, 380, [220], "#d8d4cf"),
        2: box(270, 196, 120, 110, b, 8) + text(416, 212, [110, 90, 110, 70], "#d8d4cf", 12, 28)
           + text(270, 340, [260, 230], a, 16, 34),
        3: fill("M320 230H480L464 340H336Z", b) + line("M356 230q0-50 44-50t44 50", a, 10) + text(
            310, 376, [180], a, 16),
        4: fill("M400 340Q300 270 320 220T400 226Q460 170 480 220T400 340Z", b) + text(
            300, 380, [200], a, 18),
    }[form]
    return (box(172, 342, 480, 320, "#000", 24, ' opacity=".14"') + box(160, 320, 480, 320,
                                                                     dark(a, 0.2), 24)
            + box(220, 150, 360, 420, PAPER, 14) + letter
            + fill("M160 400L400 540L160 640Z", a) + fill("M640 400L400 540L640 640Z", a)
            + fill("M160 628Q160 640 184 640H616Q640 640 640 628L400 480Z", light(a, 0.14))
            + dot(400, 570, 34, b) + line("M384 570l12 14l24-28", PAPER, 8))


def tiles(a, b, icons):
    """Nine tiles with glyphs drawn on a 24-unit grid: the same the customer downloads."""
    out = []
    for i in range(9):
        x, y = 142 + i % 3 * 178, 142 + i // 3 * 178
        ground = b if i % 4 == 0 else PAPER
        out.append(box(x, y, 160, 160, ground, 34) + f'<path d="{icons[i % len(icons)]}" '
                   f'transform="translate({x + 38} {y + 38})scale(3.5)"/>')
    shade = box(154, 168, 516, 516, "#000", 40, ' opacity=".10"')
    glyph = (f'<g fill="none" stroke="{dark(a, 0.3)}" stroke-width="1.6" stroke-linecap="round" '
             'stroke-linejoin="round">')
    return shade + glyph + "".join(out) + "</g>"


def kit(a, b, form):
    if form == 0:
        return (box(152, 190, 520, 460, "#000", 26, ' opacity=".13"')
                + box(140, 170, 520, 460, PAPER, 26)
                + text(190, 226, [110], a, 16) + box(186, 252, 428, 60, mix(a, "#ffffff", 0.85), 14)
                + text(210, 282, [160], mix(a, "#cccccc", 0.5)) + text(190, 352, [80], a, 16)
                + box(186, 378, 428, 60, PAPER, 14, f' stroke="{b}" stroke-width="6"')
                + line("M212 394V422", b, 5) + box(186, 476, 100, 52, b, 26)
                + dot(260, 502, 20, PAPER)
                + box(310, 476, 100, 52, "#dddbd7", 26) + dot(336, 502, 20, PAPER)
                + box(440, 470, 174, 64, a, 32) + text(492, 502, [70], PAPER)
                + line("M190 586H614", "#dddbd7", 12) + line("M190 586H400", b, 12)
                + dot(400, 586, 20, a))
    pale, deep = light(a, 0.75), dark(a, 0.4)
    swatches = "".join(box(140 + i * 106, 170, 96, 220, mix(pale, deep, i / 4), 18)
                       for i in range(5))
    steps = "".join(box(140 + i * 132, 620 - h, 112, h, mix(light(b, 0.6), b, i / 3), 14)
                    for i, h in enumerate((50, 90, 130, 180)))
    return (box(136, 176, 552, 482, "#000", 26, ' opacity=".13"')
            + box(124, 154, 552, 482, PAPER, 26) + swatches + steps)


def sheet(a, b, form):
    back = box(262, 150, 360, 490, light(a, 0.55), 12, ' transform="rotate(7 442 395)"')
    page = box(212, 176, 360, 490, "#000", 12, ' opacity=".13"') + box(
        200, 156, 360, 490, PAPER, 12)
    grey = "#d9d6d1"
    if form == 0:
        rows = "".join(text(236, y, [150], grey) + text(452, y, [70], grey)
                       for y in range(330, 470, 36))
        return back + page + box(200, 156, 360, 20, b) + text(236, 224, [110], a, 24) + text(
            236, 266, [70], grey) + rows + line("M236 490H524", grey, 3) + box(
                420, 520, 104, 44, b, 8) + text(236, 600, [120], grey)
    return (back + page + box(200, 156, 120, 490, a) + dot(260, 232, 38, b)
            + text(226, 310, [68, 50, 60], light(a, 0.5), 10)
            + text(352, 216, [170], a, 22) + text(352, 254, [110], b)
            + text(352, 320, [170, 150, 170, 90], grey) + text(352, 452, [170, 140, 160, 120], grey)
            + text(352, 576, [130, 150], grey))


TEMPLATES = {"landing": landing, "dashboard": dashboard, "mail": mail, "tiles": tiles, "kit": kit,
             "sheet": sheet}


# ---- the picture ---------------------------------------------------------------------------------

def backdrop(number, pale, deep):
    """One quiet shape behind the thing."""
    return {
        0: dot(400, 400, 318, pale, ' opacity=".75"'),
        1: fill("M130 800V400Q130 90 400 90T670 400V800Z", pale, ' opacity=".7"'),
        2: fill("M0 560Q210 470 420 560T800 540V800H0Z", pale, ' opacity=".7"') + dot(
            640, 190, 86, pale, ' opacity=".8"'),
        3: fill("M0 800L800 180V800Z", pale, ' opacity=".55"'),
        4: dot(0, 800, 520, pale, ' opacity=".5"') + dot(800, 0, 360, pale, ' opacity=".5"'),
        5: box(90, 90, 620, 620, pale, 60, ' opacity=".6"'),
        6: dot(400, 400, 330, deep, ' opacity=".35"') + dot(400, 400, 260, pale, ' opacity=".65"'),
    }[number % 7]


def ground_for(number, colour, dark_allowed=True):
    """The next ground in turn from which the thing stands out."""
    for step in range(len(GROUNDS)):
        pale, deep = GROUNDS[(number * 3 + step) % len(GROUNDS)]
        if not dark_allowed and luminance(pale) < 0.5:
            continue
        if min(distance(pale, colour), distance(deep, colour)) > 150:
            return pale, deep
    return GROUNDS[6]


def picture(number, title, art):
    """The whole SVG of the product at place `number` in the catalog."""
    kind, colour, extra = art
    template = kind in TEMPLATES
    pale, deep = ground_for(number, colour, not template)
    defs = (f'<linearGradient id="g" x2="1" y2="1"><stop stop-color="{pale}"/><stop offset="1" '
            f'stop-color="{deep}"/></linearGradient>')
    if template:
        accent, form = extra
        body = TEMPLATES[kind](colour, accent, form)
    else:
        shape, details = KINDS[kind]
        defs += (f'<linearGradient id="f" x2="1" y2="1"><stop stop-color="{light(colour, 0.16)}"/>'
                 f'<stop offset="1" stop-color="{dark(colour, 0.14)}"/></linearGradient>')
        body = ""
        if shape:
            defs += f'<path id="b" d="{shape}"/>'
            body = ('<use href="#b" transform="translate(14 22)" fill-opacity=".15"/>'
                    '<use href="#b" fill="url(#f)"/>')
        if extra:
            defs += pattern(extra, colour)
            body += '<use href="#b" fill="url(#p)"/>'
        body += "".join(detail(colour) for detail in details)
    lit = light(pale, 0.6) if luminance(pale) > 0.5 else light(pale, 0.16)
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800" role="img">'
            f"<title>{title}</title><defs>{defs}</defs>"
            f'<rect width="800" height="800" fill="url(#g)"/>{backdrop(number, lit, deep)}{body}'
            "</svg>\n")
