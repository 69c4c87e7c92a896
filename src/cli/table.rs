//! A table for people, as lines: a head, then a row for each thing, columns two spaces apart.

use super::output::one_line;

/// Columns with a head each. A cell that came from elsewhere cannot pass for two cells or for two rows.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
    left_out: Option<usize>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(crate) fn new(heads: [&str; COLUMNS]) -> Self {
        Self { rows: vec![heads.map(str::to_owned)], left_out: None }
    }

    pub(crate) fn row(&mut self, cells: [&str; COLUMNS]) {
        self.rows.push(cells.map(cell));
    }

    /// Without one column, counted from 0: one that would say the same in every row.
    pub(crate) fn without(self, column: usize) -> Self {
        Self { left_out: Some(column), ..self }
    }

    /// The lines, the head first.
    pub(crate) fn lines(&self) -> Vec<String> {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let columns = (0..COLUMNS).filter(|column| Some(*column) != self.left_out);
        let widths: Vec<(usize, usize)> = columns.map(|column| (column, width(column))).collect();
        let line = |row: &[String; COLUMNS]| {
            let cells = widths.iter().map(|(column, width)| format!("{:width$}", row[*column]));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

/// What stands in a cell: quoted where its own spaces would look like those between columns.
fn cell(text: &str) -> String {
    let line = one_line(text);
    let is_plain = !text.is_empty() && text.trim() == text && !line.contains("  ");
    if is_plain { line } else { one_line(&format!("\"{text}\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["ID", "CONNECTION", "NAME"]);
        table.row(["1", "campus", "Größer"]);
        table.row(["22", "campus", "-"]);

        assert_eq!(table.lines(), ["ID  CONNECTION  NAME", "1   campus      Größer", "22  campus      -"]);
        assert_eq!(table.without(1).lines(), ["ID  NAME", "1   Größer", "22  -"]);
    }

    #[test]
    fn a_cell_cannot_pass_for_two_cells_or_two_rows() {
        assert_eq!(cell("staff  pay"), "\"staff  pay\"");
        assert_eq!(cell("staff "), "\"staff \"");
        assert_eq!(cell(" staff"), "\" staff\"");
        assert_eq!(cell(""), "\"\"");
        assert_eq!(cell("a\nb\u{1b}[2J\u{202e}c"), "a b[2Jc");
    }
}
