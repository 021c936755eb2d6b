//! Tables in text: named columns, rows that fit a case by every column.

use std::collections::HashMap;

pub(crate) struct Table {
    conditions: Vec<String>,
    rows: Vec<HashMap<String, String>>,
}

impl Table {
    /// Reads a table whose first `conditions` columns (after those in `skip`) are conditions, named in the last
    /// comment line.
    pub(crate) fn read(text: &str, conditions: &[&str]) -> Self {
        let header = text.lines().rfind(|l| l.starts_with('#')).unwrap();
        let names: Vec<&str> = header.trim_start_matches('#').split_whitespace().collect();
        let rows = text
            .lines()
            .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
            .map(|line| {
                let cells: Vec<&str> = line.split_whitespace().collect();
                assert_eq!(cells.len(), names.len(), "{line}");
                names
                    .iter()
                    .zip(cells)
                    .map(|(n, c)| ((*n).into(), c.into()))
                    .collect()
            })
            .collect();
        Self {
            conditions: conditions.iter().map(|c| (*c).into()).collect(),
            rows,
        }
    }

    /// The one row that fits; a case that none or several fit is a fault of the table.
    pub(crate) fn row(&self, case: &HashMap<&str, &str>) -> &HashMap<String, String> {
        let mut fitting = self.rows.iter().filter(|row| {
            self.conditions.iter().all(|column| {
                let (cell, value) = (row[column].as_str(), case[column.as_str()]);
                cell == "*" || cell.split('|').any(|c| c == value)
            })
        });
        let row = fitting
            .next()
            .unwrap_or_else(|| panic!("no row fits {case:?}"));
        assert!(fitting.next().is_none(), "several rows fit {case:?}");
        row
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}
