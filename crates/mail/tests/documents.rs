//! Text of other people's documents: nothing panics, and what is known to stand there is found.

mod common;

use vauban_mail::content;

#[test]
fn documents_give_their_text() {
    let own = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n4 0 obj<</Length 47>>stream\nBT /F1 12 Tf (DIFFUSION RESTREINTE) Tj ET       \nendstream endobj\n5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>endobj\ntrailer<</Root 1 0 R/Size 6>>\n";
    let got = content::extract(own, 10_000);
    assert!(got.text.contains("DIFFUSION RESTREINTE"), "{got:?}");
    let Some(dir) = common::shared("dlp-documents") else {
        return;
    };
    let (mut files, mut with_text, mut defects) = (0, 0, 0);
    let mut silent = Vec::new();
    for path in common::files(&dir) {
        let bytes = std::fs::read(&path).unwrap();
        if content::sniff(&bytes).is_none() {
            continue;
        }
        files += 1;
        let got = content::extract(&bytes, 1 << 20);
        let text = got.text.chars().filter(|c| c.is_alphabetic()).count() > 10;
        with_text += usize::from(text);
        defects += usize::from(!got.defects.is_empty());
        if !text && got.defects.is_empty() {
            silent.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    println!(
        "{files} documents, {with_text} with text, {defects} with defects, silent: {silent:?}"
    );
    assert!(with_text > files / 2);
    // Tika states these sentences for its test documents (OOXMLParserTest, PDFParserTest,
    // ODFParserTest).
    for (name, sentence) in [
        ("testWORD_various.docx", "This is the header text."),
        ("testWORD_various.docx", "This is the footer text."),
        ("testPDFVarious.pdf", "Footnote appears here"),
        ("testFooter.odt", "Here is some text on page 2"),
        ("testEXCEL.xlsx", "Sample Excel Worksheet"),
        (
            "testEXCEL_headers_footers.xlsx",
            "Header - Corporate Spreadsheet",
        ),
        ("testPPT.pptx", "Attachment Test"),
    ] {
        let found = common::files(&dir)
            .into_iter()
            .find(|p| p.file_name().is_some_and(|f| f == name));
        let path = found.unwrap_or_else(|| panic!("{name} is not in the set"));
        let got = content::extract(&std::fs::read(&path).unwrap(), 1 << 20);
        assert!(
            got.text.contains(sentence),
            "{name}: {:?} {:?}",
            got.text.chars().take(600).collect::<String>(),
            got.defects
        );
    }
}
