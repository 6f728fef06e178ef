"""Allure, the apparel shop: what it sells, in its own words.

Prices are in minor units: euro cents and whole yen. Stock and the weight of each size follow in
`generate.py`; the few variants that must be scarce are named here.
"""

COLOURS = {
    "White": ("WHT", "#f4f1ea"), "Black": ("BLK", "#2b2c33"), "Navy": ("NVY", "#2e4163"),
    "Sand": ("SND", "#d8bf98"), "Olive": ("OLV", "#6f7550"), "Rust": ("RST", "#b6583a"),
    "Sky": ("SKY", "#8db3cf"), "Sage": ("SGE", "#93a98a"), "Charcoal": ("CHR", "#4a4d55"),
    "Oatmeal": ("OAT", "#e0d3bd"), "Burgundy": ("BUR", "#7d2f3f"), "Mustard": ("MUS", "#d4a13c"),
    "Indigo": ("IND", "#3d5280"), "Forest": ("FOR", "#355644"), "Camel": ("CAM", "#b98a57"),
    "Blush": ("BSH", "#dfa59a"), "Ecru": ("ECR", "#ece2cd"), "Lilac": ("LIL", "#a896c8"),
    "Teal": ("TEA", "#3c7d80"), "Cognac": ("COG", "#94562f"), "Coral": ("COR", "#e07a5f"),
}

CATEGORIES = [
    ("allure", "Allure", "Clothes made to be worn often, mended once in a while and kept.", None),
    ("tops", "Tops", "Everything that goes over your head or buttons down the front.", "allure"),
    ("t-shirts", "T-shirts", "Jersey in honest weights, from airy to sturdy.", "tops"),
    ("shirts", "Shirts & blouses", "Linen, oxford, flannel and silk, cut for moving.", "tops"),
    ("knitwear", "Knitwear", "Wool, cotton and cashmere, fully fashioned.", "tops"),
    ("sweatshirts", "Sweatshirts", "Loopback, brushed and fleece for slow mornings.", "tops"),
    ("outerwear", "Jackets & coats", "Against rain, wind and the office air.", "allure"),
    ("bottoms", "Trousers & skirts", "For sitting, cycling and standing ovations.", "allure"),
    ("trousers", "Trousers", "Chinos, denim and easy drawstring shapes.", "bottoms"),
    ("shorts-skirts", "Shorts & skirts", "Short, pleated, pleasantly breezy.", "bottoms"),
    ("dresses", "Dresses", "One decision in the morning, and it is a good one.", "allure"),
    ("accessories", "Accessories", "The small things people ask about.", "allure"),
    ("hats-scarves", "Hats & scarves", "Something for both ends of the weather.", "accessories"),
    ("bags", "Bags", "Carry the groceries, the laptop and the wet towel.", "accessories"),
    ("small-goods", "Small goods", "Socks, belts, gloves and useful presents.", "accessories"),
    ("home", "Home & care", "Care for what you wear, and for the sofa.", "allure"),
]

XS_XL = ["XS", "S", "M", "L", "XL"]
S_XL = ["S", "M", "L", "XL"]
S_XXL = ["S", "M", "L", "XL", "XXL"]
S_L = ["S", "M", "L"]
WAIST = ["W28", "W30", "W32", "W34", "W36"]
FEET = ["36-38", "39-41", "42-44", "45-47"]

# A size or colour that costs more: value -> (euro cents, yen).
EXTRA = {"tote-bag": {"Large": (700, 1100)}, "picnic-throw": {"140 x 200": (3000, 4800)}}

# The scarce ones, exactly these; everything else has at least 120 pieces.
SCARCE = {
    "ALL-CAP-LTD": 10, "ALL-SCARF-ONE": 1, "ALL-PLT-FOR-S": 0, "ALL-SLP-LIL-L": 4,
    "ALL-OVC-CAM-XL": 7, "ALL-UMB-MUS": 23, "ALL-CSH-OAT-S": 38,
}


def item(slug, title, leaf, code, sizes, colours, prices, grams, art, alt, copy, tax="standard",
         sku=None):
    """`art` is the kind of drawing and its pattern; the first colour is the one in the picture."""
    return {
        "slug": slug, "title": title, "leaf": leaf, "code": code, "sizes": sizes,
        "colours": colours, "prices": prices, "grams": grams, "art": art, "alt": alt,
        "copy": " ".join(copy.split()), "tax": tax, "sku": sku,
    }


PRODUCTS = [
    # ---- t-shirts
    item("heavyweight-tee", "Heavyweight Tee", "t-shirts", "TEE", ["XS"] + S_XXL,
         ["White", "Black", "Navy", "Olive"], (2490, 3980), 180, ("tee", None),
         "White crew-neck T-shirt with a ribbed collar", """
         A T-shirt with some backbone: 240-gram organic jersey, a collar that stays where you put
         it and shoulder seams taped from end to end. It is washed before it reaches you, so the
         size you try on is the size you keep."""),
    item("breton-top", "Breton Long Sleeve", "t-shirts", "BRT", XS_XL, ["Ecru", "Navy"],
         (3990, 6400), 230, ("longsleeve", "stripes"),
         "Ecru long-sleeved top with narrow horizontal stripes", """
         Boat stripes knitted in, never printed, so they meet at the side seams. The cotton is
         combed for a dry, cool hand and the sleeves are long enough to push up."""),
    item("pocket-tee", "Slub Pocket Tee", "t-shirts", "PKT", S_XL, ["Sage", "Sky", "Coral"],
         (2990, 4780), 150, ("pocket-tee", None), "Sage T-shirt with one chest pocket", """
         Slub yarn runs thick and thin, which gives this tee its soft, uneven surface. The chest
         pocket holds a train ticket and refuses a phone. Best in summer, better every summer."""),
    item("merino-travel-tee", "Merino Travel Tee", "t-shirts", "MER", S_XL,
         ["Charcoal", "Teal"], (6900, 10900), 145, ("tee", "twill"),
         "Charcoal travel T-shirt in fine merino", """
         Fine merino that airs out overnight on a hook and is ready again by breakfast. Three of
         these and a carry-on will take you a fortnight. Flat seams keep backpack straps from
         finding anything to rub."""),
    item("ribbed-tank", "Ribbed Tank", "t-shirts", "TNK", XS_XL, ["Blush", "White", "Black"],
         (1990, 3180), 110, ("tank", "pinstripe"), "Blush ribbed tank top", """
         A close, stretchy rib that layers under shirts without bunching and stands up on its own
         in July. The armholes are bound instead of folded, so nothing digs in."""),
    # ---- shirts
    item("linen-shirt", "Linen Shirt", "shirts", "LIN", S_XXL, ["Sky", "White", "Sand"],
         (7900, 12600), 210, ("shirt", None), "Sky-blue linen shirt with a soft collar", """
         European flax, woven a little loosely so that the breeze gets a say. The collar has no
         stiffener and the creases are part of the plan. Shell buttons, a curved hem, and a spare
         button where you will find it."""),
    item("oxford-shirt", "Oxford Button-Down", "shirts", "OXF", S_XXL, ["White", "Sky", "Blush"],
         (6900, 10900), 290, ("shirt", "twill"), "White oxford shirt with a button placket", """
         The shirt that forgives: thick basket-weave cotton that looks better unironed than most
         shirts do pressed. A proper collar roll, a box pleat for reaching and a locker loop for
         the back of the chair."""),
    item("flannel-overshirt", "Flannel Overshirt", "shirts", "FLN", S_XL, ["Rust", "Forest"],
         (8900, 14200), 420, ("overshirt", "check"), "Rust checked overshirt with two pockets", """
         Half shirt, half jacket. Portuguese flannel brushed on both sides, with hand pockets and
         a hem cut straight enough to leave open over a tee."""),
    item("camp-shirt", "Camp Collar Shirt", "shirts", "CMP", S_XL, ["Teal", "Mustard"],
         (5900, 9400), 170, ("camp", "leaves"), "Teal short-sleeved shirt with a leaf print", """
         A short-sleeved shirt for warm evenings, printed with leaves we drew from the plants in
         our studio window. The viscose drapes like silk and washes like cotton."""),
    item("silk-blouse", "Washed Silk Blouse", "shirts", "SLK", XS_XL, ["Ecru", "Burgundy"],
         (12900, 20600), 130, ("blouse", None), "Ecru silk blouse with covered buttons", """
         Sand-washed silk has a matte, peach-like surface and shows no water spots. A narrow band
         collar and gathered cuffs keep it calm under a blazer. Wash it at thirty degrees; we
         do."""),
    item("pique-polo", "Cotton Pique Polo", "shirts", "POL", S_XXL, ["Forest", "Navy", "White"],
         (4900, 7800), 240, ("polo", None), "Forest-green polo shirt with two buttons", """
         Nothing on the chest, nothing on the collar. Just dense pique, two buttons and a tennis
         tail that stays tucked when you want it to."""),
    # ---- knitwear
    item("lambswool-crew", "Lambswool Crew", "knitwear", "LMB", S_XL,
         ["Mustard", "Navy", "Charcoal"], (9900, 15800), 380, ("sweater", None),
         "Mustard crew-neck jumper", """
         Spun and knitted within the same Scottish valley from two-ply lambswool. It arrives a
         touch firm and softens by the third wearing. Saddle shoulders leave room for a shirt."""),
    item("cable-cardigan", "Cable Cardigan", "knitwear", "CBL", S_XL, ["Oatmeal", "Forest"],
         (13900, 22200), 620, ("cardigan", None), "Oatmeal cardigan with cable stitches", """
         Four hours on the machine and one by hand go into every cable cardigan. Horn buttons,
         doubled cuffs and a shawl of wool around the neck make it the indoor coat of the
         house."""),
    item("rollneck-sweater", "Fine Roll Neck", "knitwear", "ROL", XS_XL, ["Burgundy", "Black"],
         (8900, 14200), 270, ("rollneck", None), "Burgundy roll-neck jumper", """
         Extra-fine merino, thin enough to go under tailoring and warm enough to skip the scarf.
         The neck folds once, without pulling."""),
    item("cotton-knit-vest", "Cotton Knit Vest", "knitwear", "VST", S_L, ["Sage", "Ecru"],
         (5900, 9400), 260, ("vest", None), "Sage knitted vest with a V-neck", """
         A sleeveless jumper for the weeks when the morning and the afternoon disagree. Long-staple
         cotton keeps the cables crisp; side slits keep it from riding up."""),
    item("cashmere-crew", "Cashmere Crew", "knitwear", "CSH", S_L, ["Oatmeal", "Sky"],
         (18900, 30200), 290, ("sweater", None), "Oatmeal cashmere jumper", """
         Long-fibred cashmere, knitted densely so that it pills less and lasts longer. We leave it
         a little unwashed: the softness comes out in your own hands. A comb and matching darning
         thread are in the box."""),
    # ---- sweatshirts
    item("loopback-sweatshirt", "Loopback Sweatshirt", "sweatshirts", "LPB", S_XXL,
         ["Sky", "Charcoal"], (6500, 10400), 480, ("sweatshirt", None),
         "Sky-blue sweatshirt with ribbed cuffs", """
         Unbrushed loops on the inside let air through, so it works from a cold run to a warm
         kitchen. Ribbed side panels give it its boxy shape and stop the hem from wandering."""),
    item("zip-hoodie", "Brushed Zip Hoodie", "sweatshirts", "HOD", S_XXL,
         ["Olive", "Black", "Lilac"], (7900, 12600), 640, ("hoodie", None),
         "Olive zip hoodie with a front pocket", """
         The hood has two layers and actually stands up; the zip runs without catching; the pockets
         are lined with jersey. Small things, but you will notice all three on the first day."""),
    item("quarter-zip-fleece", "Quarter-Zip Fleece", "sweatshirts", "FLC", S_XL,
         ["Coral", "Forest"], (8500, 13600), 360, ("fleece", None), "Coral quarter-zip fleece", """
         Recycled fleece with a deep pile outside and a smooth face inside. Light in a rucksack,
         dry an hour after the shower that caught you, and cheerful on grey ridgelines."""),
    # ---- outerwear
    item("chore-jacket", "Chore Jacket", "outerwear", "CHO", S_XL, ["Indigo", "Sand"],
         (12900, 20600), 820, ("chore", "twill"), "Indigo work jacket with patch pockets", """
         Three patch pockets, a plain collar and a twill that fades where you work. Workshops wore
         this shape for a century because there was nothing to improve. We only added an inside
         pocket."""),
    item("rain-shell", "Three-Layer Rain Shell", "outerwear", "RNS", S_XL,
         ["Mustard", "Teal"], (17900, 28600), 410, ("shell", None),
         "Mustard rain jacket with a hood", """
         Fully taped, quiet to walk in and free of fluorinated coatings. The hood turns with your
         head and fits over a bicycle helmet. It packs into its own left pocket."""),
    item("quilted-liner", "Quilted Liner", "outerwear", "QLT", S_XL, ["Olive", "Navy"],
         (11900, 19000), 350, ("quilted", None), "Olive quilted jacket without a collar", """
         Wear it under the overcoat in January and on its own in April. The filling is spun from
         old bottles, the stitching is a diamond wide enough to stay light."""),
    item("wool-overcoat", "Wool Overcoat", "outerwear", "OVC", S_XL, ["Camel", "Charcoal"],
         (28900, 46200), 1650, ("coat", None), "Camel double-breasted overcoat", """
         A long, double-breasted coat in melton so dense it needs no lining below the waist. The
         shoulders are soft, the pockets deep, the collar made to be turned up. Buy it once."""),
    item("cotton-trench", "Cotton Trench", "outerwear", "TRN", XS_XL, ["Sand", "Navy"],
         (23900, 38200), 1180, ("trench", None), "Sand trench coat with a belt", """
         Tightly woven gabardine sheds a shower without any coating at all. Raglan shoulders, a
         storm flap that does something and a belt for tying, never for buckling."""),
    item("denim-jacket", "Washed Denim Jacket", "outerwear", "DNJ", S_XL, ["Indigo", "Black"],
         (11500, 18400), 760, ("denim-jacket", "twill"), 
         "Indigo denim jacket with yellow stitching", """
         Twelve-ounce denim, rinsed once and left alone. The body is cut a little longer than the
         classic, so that it ends where your jeans begin."""),
    # ---- trousers
    item("straight-chinos", "Straight Chinos", "trousers", "CHN", WAIST,
         ["Sand", "Navy", "Olive"], (7500, 12000), 460, ("chinos", None),
         "Sand chinos with a straight leg", """
         A straight leg from hip to hem, in peached twill with two percent stretch for stairs and
         bicycles. The waistband is finished on the inside as neatly as on the outside."""),
    item("selvedge-jeans", "Selvedge Jeans", "trousers", "JNS", WAIST, ["Indigo", "Black"],
         (14900, 23800), 780, ("jeans", None), "Indigo jeans with turned-up cuffs", """
         Woven on narrow shuttle looms in Okayama and sewn with a single chain stitch. Raw, so the
         first creases will be yours. We hem every pair free of charge if you tell us the
         length."""),
    item("wide-leg-trousers", "Wide-Leg Trousers", "trousers", "WID", XS_XL,
         ["Burgundy", "Ecru", "Black"], (9500, 15200), 420, ("wide", None),
         "Burgundy wide-leg trousers", """
         High in the waist, generous from there on. A wool blend with enough weight to swing and
         a crease that is stitched in, so it survives suitcases."""),
    item("linen-drawstring-trousers", "Linen Drawstring Trousers", "trousers", "DRW", S_XL,
         ["Oatmeal", "Sage"], (6900, 10900), 290, ("drawstring", None),
         "Oatmeal linen trousers with a drawstring", """
         Trousers that behave like pyjamas and pass for neither. Stonewashed linen, a flat front,
         an elastic back and pockets deep enough for a paperback."""),
    item("loopback-joggers", "Loopback Joggers", "trousers", "JOG", S_XXL,
         ["Charcoal", "Navy"], (5900, 9400), 430, ("jogger", None), "Charcoal joggers", """
         Cut from the cloth of our sweatshirt, tapered below the knee, with a cuff that grips
         without squeezing. There is a zip in the back pocket for the key."""),
    # ---- shorts and skirts
    item("everyday-shorts", "Everyday Shorts", "shorts-skirts", "SHO", WAIST,
         ["Rust", "Sand"], (4900, 7800), 280, ("shorts", None), "Rust cotton shorts", """
         Seven inches of inseam, a flat waistband and a cotton canvas that dries quickly. Smart
         enough for lunch, sturdy enough for the shed."""),
    item("swim-shorts", "Recycled Swim Shorts", "shorts-skirts", "SWM", S_XL,
         ["Teal", "Coral"], (4500, 7200), 160, ("swim", "waves"), "Teal swim shorts with waves", """
         Made from reclaimed fishing nets, with a soft mesh inside and a pocket that drains. The
         wave print was cut in lino before it was cut in cloth."""),
    item("pleated-skirt", "Pleated Midi Skirt", "shorts-skirts", "PLT", S_L,
         ["Forest", "Blush"], (7900, 12600), 340, ("skirt", None),
         "Forest-green pleated midi skirt", """
         Eighty-four knife pleats, pressed in paper forms the old way and fixed so that they
         survive the wash. It moves before you do."""),
    # ---- dresses
    item("wrap-dress", "Wrap Dress", "dresses", "WRP", XS_XL, ["Coral", "Navy"],
         (9900, 15800), 330, ("wrap-dress", "dots"), "Coral wrap dress with dots", """
         A true wrap, with a hidden snap at the neckline so the wind has no opinion. Crepe with a
         fine dot, a tie you can knot front or back, and yes: pockets."""),
    item("shirt-dress", "Poplin Shirt Dress", "dresses", "SHD", XS_XL, ["Sky", "White"],
         (8900, 14200), 350, ("shirt-dress", "pinstripe"), "Sky-blue striped shirt dress", """
         The cool side of a cotton sheet, made into a dress. Pinstriped poplin buttons from collar
         to hem, and a loose belt decides how much shape you feel like today."""),
    item("slip-dress", "Bias Slip Dress", "dresses", "SLP", S_L, ["Lilac", "Black"],
         (10900, 17400), 210, ("slip-dress", None), "Lilac slip dress with thin straps", """
         Cut on the bias from heavy satin, so it follows and never clings. Straps adjust from the
         back. Over a tee by day, on its own by night."""),
    item("knit-dress", "Ribbed Knit Dress", "dresses", "KND", S_L, ["Rust", "Charcoal"],
         (11900, 19000), 520, ("knit-dress", "pinstripe"), "Rust ribbed dress with sleeves", """
         A jumper that kept going. Fine ribs lengthen the line, merino keeps the warmth, and there
         is not one seam where you sit."""),
    # ---- accessories
    item("limited-dad-cap", "Limited Dad Cap", "hats-scarves", "CAP", [], ["Navy"],
         (3500, 5600), 90, ("cap", None), "Navy cap with an embroidered wave", """
         Ten caps, one embroidery needle, no second run. Washed cotton with a brass buckle and a
         wave stitched freehand by our pattern cutter, who says this is the last batch. One size
         fits nearly everyone.""", sku="ALL-CAP-LTD"),
    item("fisherman-beanie", "Fisherman Beanie", "hats-scarves", "BNE", [],
         ["Teal", "Mustard", "Charcoal"], (2900, 4600), 85, ("beanie", None),
         "Teal ribbed beanie with a wide cuff", """
         A short, dense beanie in washed wool. Wear the cuff doubled above the ears on good days
         and unrolled on honest ones."""),
    item("heirloom-scarf", "Heirloom Scarf", "hats-scarves", "SCARF", [], ["Burgundy"],
         (16900, 27000), 240, ("scarf", None), "Burgundy scarf with pale bands and a fringe", """
         A single scarf from the sample loom: hand-spun wool, dyed with madder root and finished
         with a twisted fringe. When it is gone, it is gone; we have the photograph.""",
         sku="ALL-SCARF-ONE"),
    item("cotton-bandana", "Printed Bandana", "hats-scarves", "BND", [],
         ["Rust", "Indigo", "Forest"], (1290, 2060), 35, ("bandana", None),
         "Rust bandana with pale dots", """
         Discharge-printed, so the pattern is as soft as the cloth. Around the neck, over the hair,
         about the handle of a bag or under a runny nose."""),
    item("wool-gloves", "Knitted Wool Gloves", "small-goods", "GLV", ["S/M", "L/XL"],
         ["Charcoal", "Camel"], (3200, 5100), 70, ("gloves", None), "Charcoal knitted gloves", """
         Knitted in the round without finger seams, with conductive thread in thumb and index so
         that you can answer the phone without undressing a hand. The cuffs reach
         well under a sleeve."""),
    item("everyday-socks", "Everyday Socks, Pair", "small-goods", "SCK", FEET,
         ["Mustard", "Navy", "Blush"], (1190, 1900), 60, ("socks", None),
         "A pair of mustard socks with striped cuffs", """
         Combed cotton with a hand-linked toe, which is the seam you never feel. Heel and toe are
         knitted in a second colour so that pairs find each other after the wash."""),
    item("saddle-belt", "Saddle Leather Belt", "small-goods", "BLT", ["80 cm", "90 cm", "100 cm"],
         ["Cognac", "Black"], (5900, 9400), 190, ("belt", None),
         "Cognac leather belt with a brass buckle", """
         One strap of full-grain, vegetable-tanned leather, four millimetres thick and edged by
         hand. It begins stiff, learns your waist within a month and does not forget it."""),
    item("tote-bag", "Canvas Tote", "bags", "TOT", ["Regular", "Large"], ["Ecru", "Olive"],
         (2200, 3520), 320, ("tote", None), "Ecru canvas tote with a printed sprout", """
         Eighteen-ounce canvas that stands by itself while you pack it. The handles reach over a
         winter coat and are sewn down with a crossed box, the stitch of sailmakers."""),
    item("rolltop-backpack", "Day Backpack", "bags", "BPK", [], ["Sage", "Black"],
         (11900, 19000), 980, ("backpack", None), "Sage backpack with two leather straps", """
         Twenty litres of waxed cotton with a padded sleeve for a fourteen-inch laptop. The front
         straps close by hook, one-handed, in the rain, while somebody holds the tram."""),
    item("acetate-sunglasses", "Acetate Sunglasses", "small-goods", "SUN", [],
         ["Cognac", "Black"], (8900, 14200), 120, ("shades", None),
         "Cognac sunglasses with dark lenses", """
         Cut from a block of plant-based acetate and polished for three days in a drum of birch
         chips. Polarised lenses, five-barrel hinges, a case of felted wool."""),
    item("storm-umbrella", "Storm Umbrella", "small-goods", "UMB", [], ["Mustard", "Navy"],
         (4500, 7200), 460, ("umbrella", None), "Open mustard umbrella with a wooden handle", """
         Eight fibreglass ribs that flip inside out and back again without taking offence. The
         handle is steamed from one piece of chestnut."""),
    # ---- home and care
    item("linen-apron", "Linen Apron", "home", "APR", [], ["Indigo", "Oatmeal"],
         (3900, 6200), 280, ("apron", None), "Indigo apron with a double pocket", """
         For flour, clay and bicycle grease alike. Heavy linen, brass rivets and long ties that go
         round twice. Hang a towel from the side loop and you are open for business."""),
    item("picnic-throw", "Picnic Throw", "home", "THR", ["120 x 150", "140 x 200"],
         ["Teal", "Rust"], (6900, 10900), 900, ("throw", None),
         "Teal woven throw with a fringe", """
         Recycled wool, woven in broad bands and fringed on the short sides. It lives on the sofa
         and leaves the house for lakes, concerts and long train rides."""),
    item("mending-handbook", "The Mending Handbook", "home", "BOK", [], ["Forest"],
         (1890, 3020), 410, ("book", None), "Green book with a shirt on the cover", """
         Ninety-six pages on darning, patching and sewing on a button so that it stays on. Drawn
         step by step by the people at our repair table, printed on paper that lies flat while
         both your hands are busy.""", tax="reduced"),
    item("spare-button-tin", "Spare Button Tin", "home", "BTN", [], ["Sky"],
         (490, 780), 60, ("tin", None), "Sky-blue tin full of buttons", """
         Thirty buttons in shell, corozo and horn, rescued from the cutting-room floor. Two needles
         and a card of thread are hiding underneath."""),
]
