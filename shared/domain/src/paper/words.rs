//! The words that stand on papers, in the languages that we write. A language that we do not write
//! gets English words, with its own way to write figures.

use crate::catalog::Locale;

/// A language that papers are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Italian.
    Italian,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 5] =
        [Self::English, Self::German, Self::French, Self::Spanish, Self::Italian];

    /// The language of a locale; English where we do not write it.
    pub fn of(locale: &Locale) -> Self {
        match locale.as_str().split('-').next() {
            Some("de") => Self::German,
            Some("fr") => Self::French,
            Some("es") => Self::Spanish,
            Some("it") => Self::Italian,
            Some(_) | None => Self::English,
        }
    }

    /// Its code (ISO 639-1).
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Italian => "it",
        }
    }

    /// The months, in the middle of a sentence.
    pub const fn months(self) -> [&'static str; 12] {
        match self {
            Self::English => [
                "January",
                "February",
                "March",
                "April",
                "May",
                "June",
                "July",
                "August",
                "September",
                "October",
                "November",
                "December",
            ],
            Self::German => [
                "Januar",
                "Februar",
                "März",
                "April",
                "Mai",
                "Juni",
                "Juli",
                "August",
                "September",
                "Oktober",
                "November",
                "Dezember",
            ],
            Self::French => [
                "janvier",
                "février",
                "mars",
                "avril",
                "mai",
                "juin",
                "juillet",
                "août",
                "septembre",
                "octobre",
                "novembre",
                "décembre",
            ],
            Self::Spanish => [
                "enero",
                "febrero",
                "marzo",
                "abril",
                "mayo",
                "junio",
                "julio",
                "agosto",
                "septiembre",
                "octubre",
                "noviembre",
                "diciembre",
            ],
            Self::Italian => [
                "gennaio",
                "febbraio",
                "marzo",
                "aprile",
                "maggio",
                "giugno",
                "luglio",
                "agosto",
                "settembre",
                "ottobre",
                "novembre",
                "dicembre",
            ],
        }
    }

    /// Its words.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
            Self::French => &FRENCH,
            Self::Spanish => &SPANISH,
            Self::Italian => &ITALIAN,
        }
    }
}

/// The words of a language; each field is what it says in English.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the English words beside them say what they mean")]
pub struct Words {
    pub invoice: &'static str,
    pub credit_note: &'static str,
    pub packing_slip: &'static str,
    pub pick_list: &'static str,
    pub invoice_number: &'static str,
    pub credit_note_number: &'static str,
    pub date: &'static str,
    pub order: &'static str,
    pub order_date: &'static str,
    pub of_invoice: &'static str,
    pub your_vat_id: &'static str,
    pub vat_id: &'static str,
    pub tax_number: &'static str,
    pub item: &'static str,
    pub quantity: &'static str,
    pub unit_price: &'static str,
    pub amount: &'static str,
    pub ordered: &'static str,
    pub enclosed: &'static str,
    pub location: &'static str,
    pub orders: &'static str,
    pub units: &'static str,
    pub subtotal: &'static str,
    pub discount: &'static str,
    pub shipping: &'static str,
    pub net: &'static str,
    pub tax: &'static str,
    pub rate: &'static str,
    pub gross: &'static str,
    pub total: &'static str,
    pub total_back: &'static str,
    pub gift_card: &'static str,
    pub store_credit: &'static str,
    pub returned_goods: &'static str,
    pub card: &'static str,
    pub refund: &'static str,
    pub goodwill: &'static str,
    pub carried: &'static str,
    pub called_off: &'static str,
    pub includes_tax: &'static str,
    pub supply: &'static str,
    pub reverse_charge: &'static str,
    pub export: &'static str,
    pub untaxed: &'static str,
    pub page: &'static str,
}

const ENGLISH: Words = Words {
    invoice: "Invoice",
    credit_note: "Credit note",
    packing_slip: "Packing slip",
    pick_list: "Pick list",
    invoice_number: "Invoice number",
    credit_note_number: "Credit note number",
    date: "Date",
    order: "Order",
    order_date: "Date of order",
    of_invoice: "For invoice",
    your_vat_id: "Your VAT ID",
    vat_id: "VAT ID",
    tax_number: "Tax number",
    item: "Item",
    quantity: "Quantity",
    unit_price: "Unit price",
    amount: "Amount",
    ordered: "Ordered",
    enclosed: "Enclosed",
    location: "Location",
    orders: "Orders",
    units: "units",
    subtotal: "Subtotal",
    discount: "Discount",
    shipping: "Shipping",
    net: "Net",
    tax: "Tax",
    rate: "Rate",
    gross: "Gross",
    total: "Total",
    total_back: "Total credited",
    gift_card: "Gift card ending in",
    store_credit: "Store credit",
    returned_goods: "Exchanged goods",
    card: "By other means of payment",
    refund: "Refund",
    goodwill: "Goodwill",
    carried: "Rounding",
    called_off: "Order canceled",
    includes_tax: "Prices include tax.",
    supply: "Unless stated otherwise, the date of supply is the date of the invoice.",
    reverse_charge: "Tax-exempt intra-Community supply, reverse charge: the recipient owes the \
                     VAT (Directive 2006/112/EC, art. 138, 196).",
    export: "Export: no tax is charged.",
    untaxed: "No tax is charged at the destination.",
    page: "Page {page} of {pages}",
};

const GERMAN: Words = Words {
    invoice: "Rechnung",
    credit_note: "Rechnungskorrektur",
    packing_slip: "Lieferschein",
    pick_list: "Pickliste",
    invoice_number: "Rechnungsnummer",
    credit_note_number: "Belegnummer",
    date: "Datum",
    order: "Bestellung",
    order_date: "Bestelldatum",
    of_invoice: "Zur Rechnung",
    your_vat_id: "Ihre USt-IdNr.",
    vat_id: "USt-IdNr.",
    tax_number: "Steuernummer",
    item: "Artikel",
    quantity: "Menge",
    unit_price: "Einzelpreis",
    amount: "Betrag",
    ordered: "Bestellt",
    enclosed: "Geliefert",
    location: "Lager",
    orders: "Bestellungen",
    units: "Stück",
    subtotal: "Zwischensumme",
    discount: "Rabatt",
    shipping: "Versand",
    net: "Netto",
    tax: "Steuer",
    rate: "Steuersatz",
    gross: "Brutto",
    total: "Gesamtbetrag",
    total_back: "Erstattungsbetrag",
    gift_card: "Gutscheinkarte mit Endung",
    store_credit: "Guthaben",
    returned_goods: "Getauschte Ware",
    card: "Mit anderem Zahlungsmittel",
    refund: "Erstattung",
    goodwill: "Kulanz",
    carried: "Rundung",
    called_off: "Bestellung storniert",
    includes_tax: "Die Preise enthalten die Steuer.",
    supply: "Das Leistungsdatum entspricht dem Rechnungsdatum, sofern nicht anders angegeben.",
    reverse_charge: "Steuerfreie innergemeinschaftliche Lieferung; Steuerschuldnerschaft des \
                     Leistungsempfängers (Richtlinie 2006/112/EG, Art. 138, 196).",
    export: "Steuerfreie Ausfuhrlieferung.",
    untaxed: "Am Bestimmungsort wird keine Steuer berechnet.",
    page: "Seite {page} von {pages}",
};

const FRENCH: Words = Words {
    invoice: "Facture",
    credit_note: "Avoir",
    packing_slip: "Bon de livraison",
    pick_list: "Liste de prélèvement",
    invoice_number: "Numéro de facture",
    credit_note_number: "Numéro d’avoir",
    date: "Date",
    order: "Commande",
    order_date: "Date de commande",
    of_invoice: "Sur la facture",
    your_vat_id: "Votre n° de TVA",
    vat_id: "N° de TVA",
    tax_number: "Numéro fiscal",
    item: "Article",
    quantity: "Quantité",
    unit_price: "Prix unitaire",
    amount: "Montant",
    ordered: "Commandé",
    enclosed: "Livré",
    location: "Dépôt",
    orders: "Commandes",
    units: "unités",
    subtotal: "Sous-total",
    discount: "Remise",
    shipping: "Livraison",
    net: "Hors taxe",
    tax: "Taxe",
    rate: "Taux",
    gross: "TTC",
    total: "Total",
    total_back: "Total de l’avoir",
    gift_card: "Carte cadeau finissant par",
    store_credit: "Avoir client",
    returned_goods: "Articles échangés",
    card: "Par un autre moyen de paiement",
    refund: "Remboursement",
    goodwill: "Geste commercial",
    carried: "Arrondi",
    called_off: "Commande annulée",
    includes_tax: "Les prix s’entendent taxes comprises.",
    supply: "Sauf mention contraire, la date de livraison est celle de la facture.",
    reverse_charge: "Livraison intracommunautaire exonérée ; autoliquidation de la TVA par le \
                     preneur (directive 2006/112/CE, art. 138, 196).",
    export: "Exportation exonérée de taxe.",
    untaxed: "Aucune taxe n’est due au lieu de destination.",
    page: "Page {page} sur {pages}",
};

const SPANISH: Words = Words {
    invoice: "Factura",
    credit_note: "Factura rectificativa",
    packing_slip: "Albarán",
    pick_list: "Lista de recogida",
    invoice_number: "Número de factura",
    credit_note_number: "Número de rectificativa",
    date: "Fecha",
    order: "Pedido",
    order_date: "Fecha del pedido",
    of_invoice: "De la factura",
    your_vat_id: "Su NIF-IVA",
    vat_id: "NIF-IVA",
    tax_number: "NIF",
    item: "Artículo",
    quantity: "Cantidad",
    unit_price: "Precio unitario",
    amount: "Importe",
    ordered: "Pedido",
    enclosed: "Entregado",
    location: "Almacén",
    orders: "Pedidos",
    units: "unidades",
    subtotal: "Subtotal",
    discount: "Descuento",
    shipping: "Envío",
    net: "Base imponible",
    tax: "Impuesto",
    rate: "Tipo",
    gross: "Total con impuesto",
    total: "Total",
    total_back: "Total rectificado",
    gift_card: "Tarjeta regalo terminada en",
    store_credit: "Saldo de la tienda",
    returned_goods: "Artículos cambiados",
    card: "Por otro medio de pago",
    refund: "Reembolso",
    goodwill: "Atención comercial",
    carried: "Redondeo",
    called_off: "Pedido cancelado",
    includes_tax: "Los precios incluyen el impuesto.",
    supply: "Salvo indicación contraria, la fecha de entrega es la de la factura.",
    reverse_charge: "Entrega intracomunitaria exenta; inversión del sujeto pasivo: el \
                     destinatario debe el IVA (Directiva 2006/112/CE, art. 138, 196).",
    export: "Exportación exenta de impuestos.",
    untaxed: "No se aplica impuesto en el lugar de destino.",
    page: "Página {page} de {pages}",
};

const ITALIAN: Words = Words {
    invoice: "Fattura",
    credit_note: "Nota di credito",
    packing_slip: "Documento di consegna",
    pick_list: "Lista di prelievo",
    invoice_number: "Numero di fattura",
    credit_note_number: "Numero di nota",
    date: "Data",
    order: "Ordine",
    order_date: "Data dell’ordine",
    of_invoice: "Per la fattura",
    your_vat_id: "La Sua partita IVA",
    vat_id: "Partita IVA",
    tax_number: "Codice fiscale",
    item: "Articolo",
    quantity: "Quantità",
    unit_price: "Prezzo unitario",
    amount: "Importo",
    ordered: "Ordinato",
    enclosed: "Consegnato",
    location: "Magazzino",
    orders: "Ordini",
    units: "pezzi",
    subtotal: "Subtotale",
    discount: "Sconto",
    shipping: "Spedizione",
    net: "Imponibile",
    tax: "Imposta",
    rate: "Aliquota",
    gross: "Lordo",
    total: "Totale",
    total_back: "Totale accreditato",
    gift_card: "Carta regalo che termina con",
    store_credit: "Credito del negozio",
    returned_goods: "Articoli sostituiti",
    card: "Con altro mezzo di pagamento",
    refund: "Rimborso",
    goodwill: "Omaggio commerciale",
    carried: "Arrotondamento",
    called_off: "Ordine annullato",
    includes_tax: "I prezzi comprendono l’imposta.",
    supply: "Salvo diversa indicazione, la data di consegna è quella della fattura.",
    reverse_charge: "Cessione intracomunitaria non imponibile; inversione contabile: l’IVA è \
                     dovuta dal destinatario (direttiva 2006/112/CE, art. 138, 196).",
    export: "Esportazione non imponibile.",
    untaxed: "Nel luogo di destinazione non si applica alcuna imposta.",
    page: "Pagina {page} di {pages}",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_finds_its_language_and_every_other_one_english() {
        let of = |text| Language::of(&Locale::parse(text).unwrap());
        assert_eq!(
            [of("de-CH"), of("fr"), of("en-US")],
            [Language::German, Language::French, Language::English]
        );
        assert_eq!(of("ja"), Language::English);
        for language in Language::ALL {
            assert_eq!(of(language.code()), language);
        }
    }

    #[test]
    fn every_language_counts_its_pages() {
        for language in Language::ALL {
            let page = language.words().page;
            assert!(page.contains("{page}") && page.contains("{pages}"), "{page}");
        }
    }
}
