//! Tables in text: named columns, rows that fit a case by every column that is a condition.

use std::collections::HashMap;

pub(crate) struct Table {
    rows: Vec<Row>,
}

pub(crate) struct Row {
    /// Beside each condition, in the order they were named in: what fits; nothing named is anything.
    fits: Vec<Vec<String>>,
    cells: HashMap<String, String>,
}

impl Row {
    pub(crate) fn cell(&self, column: &str) -> &str {
        &self.cells[column]
    }
}

impl Table {
    /// Reads a table whose columns are named in the last comment line; `conditions` are those that have to fit.
    pub(crate) fn read(text: &str, conditions: &[&str]) -> Self {
        let header = text.lines().rfind(|l| l.starts_with('#')).unwrap();
        let names: Vec<&str> = header.trim_start_matches('#').split_whitespace().collect();
        let rows = text
            .lines()
            .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
            .map(|line| {
                let cells: Vec<&str> = line.split_whitespace().collect();
                assert_eq!(cells.len(), names.len(), "{line}");
                let cells: HashMap<String, String> = names
                    .iter()
                    .zip(cells)
                    .map(|(n, c)| ((*n).into(), c.into()))
                    .collect();
                let fits = conditions
                    .iter()
                    .map(|column| match cells[*column].as_str() {
                        "*" => Vec::new(),
                        some => some.split('|').map(Into::into).collect(),
                    })
                    .collect();
                Row { fits, cells }
            })
            .collect();
        Self { rows }
    }

    /// The one row that fits these values of the conditions; a case that none or several fit is a fault of the
    /// table.
    pub(crate) fn row(&self, values: &[&str]) -> &Row {
        let mut fitting = self.rows.iter().filter(|row| {
            row.fits
                .iter()
                .zip(values)
                .all(|(f, v)| f.is_empty() || f.iter().any(|f| f == v))
        });
        let row = fitting
            .next()
            .unwrap_or_else(|| panic!("no row fits {values:?}"));
        assert!(fitting.next().is_none(), "several rows fit {values:?}");
        row
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}
