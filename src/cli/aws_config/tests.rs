use super::*;

fn names(text: &[u8]) -> Vec<(Kind, String)> {
    AwsConfig::parse(text).sections().iter().map(|section| (section.kind, section.name.clone())).collect()
}

fn settings(text: &[u8]) -> Vec<(String, String)> {
    let config = AwsConfig::parse(text);
    let all = config.sections().iter().flat_map(|section| &section.settings);
    all.map(|setting| (setting.key.clone(), setting.value.clone())).collect()
}

#[test]
fn a_header_is_read_however_it_is_written() {
    for (text, kind, name) in [
        ("[default]", Kind::Default, "default"),
        ("[profile a]", Kind::Profile, "a"),
        ("[ profile  y ]", Kind::Profile, "y"),
        ("[profile\ta]", Kind::Profile, "a"),
        ("[profile \"a b\"]", Kind::Profile, "a b"),
        ("[profile 'a b']", Kind::Profile, "a b"),
        ("[profile a] # mine", Kind::Profile, "a"),
        ("[profile a];mine", Kind::Profile, "a"),
        ("  [profile a]", Kind::Profile, "a"),
        ("[sso-session uni]", Kind::SsoSession, "uni"),
        ("[services local]", Kind::Services, "local"),
        ("[profile]", Kind::Other, "profile"),
        ("[preview]", Kind::Other, "preview"),
        ("[a b]", Kind::Other, "a b"),
        ("[]", Kind::Other, ""),
    ] {
        assert_eq!(names(text.as_bytes()), [(kind, name.to_owned())], "{text}");
    }
    for text in ["", "profile a", "[profile a", "# [profile a]", "a = [b]", "]["] {
        assert_eq!(names(text.as_bytes()), [], "{text}");
    }
}

#[test]
fn a_line_ends_in_any_of_three_ways_and_the_last_ending_is_the_files_own() {
    for (text, ending) in
        [(&b"a\nb\r\n"[..], &b"\r\n"[..]), (b"a\r\nb\nc", b"\n"), (b"a\rb\r", b"\r"), (b"a", b"\n"), (b"", b"\n")]
    {
        assert_eq!(AwsConfig::parse(text).line_ending(), ending);
    }
    assert_eq!(names(b"[profile a]\r[profile b]\r\n[profile c]\n\n[profile d]").len(), 4);
}

#[test]
fn a_byte_order_mark_is_part_of_no_line() {
    assert_eq!(names(b"\xef\xbb\xbf[profile a]\n"), [(Kind::Profile, "a".to_owned())]);
    assert!(AwsConfig::parse(b"\xef\xbb\xbf").is_empty());
}

#[test]
fn indented_lines_belong_to_the_value_above() {
    let text = b"[profile a]\ns3 =\n  max_queue = 1\n  # no\n\n\tuse = 2\nRegion: x = y\n  [profile b]\n";

    assert_eq!(names(text), [(Kind::Profile, "a".to_owned())]);
    let read = settings(text);
    assert_eq!(read[0], ("s3".to_owned(), "\nmax_queue = 1\nuse = 2".to_owned()));
    assert_eq!(read[1], ("region".to_owned(), "x = y\n[profile b]".to_owned()));
    assert_eq!(AwsConfig::parse(text).profiles_named("b"), 1, "some tools take it for a profile");
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    let text = b"[profile caf\xe9]\nname = \xff\0\nnonsense\0\n[profile b]\n= x\n";
    let config = AwsConfig::parse(text);

    assert_eq!(config.sections().len(), 2);
    assert!(config.sections()[0].has_other_lines);
    assert_eq!(config.sections()[1].value("region"), None);
}

#[test]
fn a_section_reaches_up_to_the_next_header() {
    let text = b"# top\n[profile a]\nregion = x\n\n# about b\n[profile b]\n";
    let config = AwsConfig::parse(text);

    let texts: Vec<&[u8]> = config.sections().iter().map(|section| &text[config.range(&section.lines)]).collect();

    assert_eq!(texts, [&b"[profile a]\nregion = x\n\n# about b\n"[..], b"[profile b]\n"]);
    assert_eq!(config.sections()[0].value("region"), Some("x"));
}

#[test]
fn edits_change_nothing_outside_of_them() {
    let edit = |range, new: &str| Edit { range, new: new.into() };
    let edits = [edit(9..9, "\n+"), edit(2..4, ""), edit(9..9, "\n-"), edit(0..1, "A")];

    assert_eq!(apply(b"a\nb\n\xff\0\r\n.", &edits), b"A\n\xff\0\r\n.\n+\n-");
}

#[test]
fn a_preview_shows_what_goes_and_what_comes_and_nothing_around_it() {
    let text = b"[default]\naws_secret_access_key = canary\n[profile a]\nold\n# end";
    let at = |part: &[u8]| text.windows(part.len()).position(|found| found == part).unwrap();
    let end = text.len();
    let edits = [
        Edit { range: at(b"old")..at(b"old") + 3, new: b"new".to_vec() },
        Edit { range: end..end, new: b"\n[profile b]\nx\n".to_vec() },
    ];

    assert_eq!(preview(text, &edits), ["@@ -4,1 +4,1 @@", "-old", "+new", "@@ -5,0 +6,2 @@", "+[profile b]", "+x"]);
}
