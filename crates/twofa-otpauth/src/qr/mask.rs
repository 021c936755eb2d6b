//! Choosing the mask (ISO/IEC 18004 section 7.8.3): the same one that `qrcodegen` chooses by itself, found by scoring
//! whole lines of modules at once, as bits of a number.
//!
//! Rows and columns are kept side by side, so that both are scored as lines. Bit `i` of a line is its module `i`; what
//! lies outside is light, as the quiet zone is.

use zeroize::Zeroizing;

/// The eight masks: for each, the rows and the columns of its pattern, which repeats every twelve lines.
static PATTERNS: [[[u128; 12]; 2]; 8] = patterns();

/// The two directions of a symbol.
#[derive(Clone)]
pub(super) struct Grid {
    rows: Zeroizing<Vec<u128>>,
    columns: Zeroizing<Vec<u128>>,
}

impl Grid {
    /// Reads `size` rows of modules.
    pub(super) fn read(size: u8, is_dark: impl Fn(u8, u8) -> bool) -> Self {
        let mut grid = Self::light(size);
        for y in 0..size {
            for x in 0..size {
                if is_dark(x, y) {
                    grid.set(x, y, true);
                }
            }
        }
        grid
    }

    pub(super) fn into_rows(self) -> Zeroizing<Vec<u128>> {
        self.rows
    }

    fn light(size: u8) -> Self {
        let lines = Zeroizing::new(vec![0; usize::from(size)]);
        Self {
            rows: lines.clone(),
            columns: lines,
        }
    }

    fn set(&mut self, x: u8, y: u8, dark: bool) {
        for (lines, line, bit) in [(&mut self.rows, y, x), (&mut self.columns, x, y)] {
            if let Some(line) = lines.get_mut(usize::from(line)) {
                *line = *line & !(1 << bit) | u128::from(dark) << bit;
            }
        }
    }

    /// Turns every module over where the mask says so, except the function modules.
    fn apply(&mut self, mask: u8, function: &[u128]) {
        let Some([rows, columns]) = PATTERNS.get(usize::from(mask)) else {
            return;
        };
        for (lines, pattern) in [(&mut self.rows, rows), (&mut self.columns, columns)] {
            for ((line, pattern), function) in
                lines.iter_mut().zip(pattern.iter().cycle()).zip(function)
            {
                *line ^= pattern & !function;
            }
        }
    }

    /// The two copies of the format information for error correction M (ISO/IEC 18004 section 7.9.1).
    fn write_format(&mut self, mask: u8, size: u8) {
        let bits = format_bits(mask);
        for i in 0..15 {
            let dark = bits >> i & 1 == 1;
            match i {
                0..=5 => self.set(8, i, dark),
                6 | 7 => self.set(8, i + 1, dark),
                8 => self.set(7, 8, dark),
                _ => self.set(14 - i, 8, dark),
            }
            if i < 8 {
                self.set(size - 1 - i, 8, dark);
            } else {
                self.set(8, size - 15 + i, dark);
            }
        }
    }

    /// The penalty of ISO/IEC 18004 section 7.8.3.1, as `qrcodegen` computes it.
    fn penalty(&self, size: u8) -> u32 {
        let lines: u32 = self
            .rows
            .iter()
            .chain(self.columns.iter())
            .map(|&line| runs(line, size) + finders(line, size))
            .sum();
        let blocks: u32 = self
            .rows
            .windows(2)
            .map(|pair| match *pair {
                [upper, lower] => {
                    (equal_pairs(upper, size) & equal_pairs(lower, size) & !(upper ^ lower))
                        .count_ones()
                }
                _ => 0,
            })
            .sum();
        let dark: u32 = self.rows.iter().map(|row| row.count_ones()).sum();
        let total = u32::from(size) * u32::from(size);
        // The smallest k for which the dark share lies between 45 - 5k and 55 + 5k per cent.
        let balance = ((dark * 20).abs_diff(total * 10))
            .div_ceil(total)
            .saturating_sub(1);
        lines + blocks * 3 + balance * 10
    }
}

/// Chooses the mask for a symbol that was made with mask 0 and error correction M, and applies it.
pub(super) fn choose(grid: &mut Grid, size: u8) {
    let function = function_modules(size);
    grid.apply(0, &function);
    let mut best: Option<(u32, Grid)> = None;
    for mask in 0..8 {
        let mut masked = grid.clone();
        masked.apply(mask, &function);
        masked.write_format(mask, size);
        let penalty = masked.penalty(size);
        if best.as_ref().is_none_or(|(least, _)| penalty < *least) {
            best = Some((penalty, masked));
        }
    }
    if let Some((_, chosen)) = best {
        *grid = chosen;
    }
}

/// Bit `i` is set where modules `i` and `i + 1` are equal.
fn equal_pairs(line: u128, size: u8) -> u128 {
    !(line ^ line >> 1) & ((1 << (size - 1)) - 1)
}

/// Five equal modules in a row cost 3, each further one 1.
fn runs(line: u128, size: u8) -> u32 {
    let pairs = equal_pairs(line, size);
    let threes = pairs & pairs >> 1;
    let fives = threes & threes >> 2;
    fives.count_ones() + 2 * (fives & !(fives << 1)).count_ones()
}

/// Each pattern that a scanner could take for a finder costs 40: dark and light runs in proportion 1:1:3:1:1, with a
/// light run of 4 on the one side and of 1 on the other.
fn finders(line: u128, size: u8) -> u32 {
    let mut found = finders_of(line, line & line >> 1 & line >> 2, 1);
    // For a unit of n modules the centre has 3n dark ones, and few lines have so many.
    let mut centres = line & line >> 1 & line >> 2;
    for unit in 2..=size / 7 {
        centres &= centres >> 3;
        if centres == 0 {
            break;
        }
        found += finders_of(line, dark_from(line, unit * 3), unit);
    }
    found * 40
}

/// The patterns with a unit of `n` modules; bit `i` of `centres` says that 3n dark modules begin at `i`.
#[inline]
fn finders_of(line: u128, centres: u128, n: u8) -> u32 {
    let dark = dark_from(line, n);
    let light = dark_from(!line, n);
    // Bit i: the pattern's first dark run begins at i.
    let core = dark
        & light >> n
        & centres >> (2 * n)
        & light >> (5 * n)
        & dark >> (6 * n)
        & !(line << 1)
        & !(line >> (7 * n));
    if core == 0 {
        return 0;
    }
    let before = |modules: u8| (1..=modules).fold(0, |any, at| any | line << at);
    let after = |modules: u8| (0..modules).fold(0, |any, at| any | line >> (7 * n) >> at);
    let one_side = |wide: u128, narrow: u128| (core & !wide & !narrow).count_ones();
    one_side(before(4 * n), after(n)) + one_side(after(4 * n), before(n))
}

/// Bit `i` is set where `modules` set bits begin at `i`.
#[inline]
fn dark_from(line: u128, modules: u8) -> u128 {
    (1..modules).fold(line, |all, at| all & line >> at)
}

/// Rows of the modules that no mask touches (ISO/IEC 18004 section 6.3), and of all that lies outside. The columns are
/// the same.
fn function_modules(size: u8) -> Vec<u128> {
    let mut rows = vec![u128::MAX << size; usize::from(size)];
    let mut fill = |x: u8, y: u8, width: u8, height: u8| {
        for row in rows.iter_mut().skip(y.into()).take(height.into()) {
            *row |= ((1 << width) - 1) << x;
        }
    };
    // Finder patterns with separators and format information, and the timing patterns.
    fill(0, 0, 9, 9);
    fill(size - 8, 0, 8, 9);
    fill(0, size - 8, 9, 8);
    fill(6, 0, 1, size);
    fill(0, 6, size, 1);
    if size >= 45 {
        // Version information, from version 7.
        fill(size - 11, 0, 3, 6);
        fill(0, size - 11, 6, 3);
    }
    let centres = alignment_centres(size);
    let last = centres.last().copied();
    for &x in &centres {
        for &y in &centres {
            // Three corners have finder patterns instead.
            let corner = x == 6 && (y == 6 || Some(y) == last) || y == 6 && Some(x) == last;
            if !corner {
                fill(x - 2, y - 2, 5, 5);
            }
        }
    }
    rows
}

/// Where alignment patterns are centred, along either axis (ISO/IEC 18004 annex E, by the rule that its table follows
/// up to the largest version that is drawn).
fn alignment_centres(size: u8) -> Vec<u8> {
    let version = (size - 17) / 4;
    if version == 1 {
        return Vec::new();
    }
    let count = version / 7 + 2;
    let step = (version * 4 + count * 2 + 1) / (count * 2 - 2) * 2;
    let mut centres: Vec<u8> = (0..count - 1).map(|i| size - 7 - i * step).collect();
    centres.push(6);
    centres.reverse();
    centres
}

/// Format information for error correction M (whose two bits are 00) and a mask: BCH (15, 5), masked.
fn format_bits(mask: u8) -> u16 {
    let data = u16::from(mask);
    let remainder = (0..10).fold(data, |rem, _| (rem << 1) ^ ((rem >> 9) * 0x537));
    (data << 10 | remainder) ^ 0x5412
}

const fn patterns() -> [[[u128; 12]; 2]; 8] {
    let mut all = [[[0; 12]; 2]; 8];
    let mut mask = 0;
    while mask < 8 {
        let mut line = 0;
        while line < 12 {
            let mut bit = 0;
            while bit < 128 {
                #[expect(
                    clippy::indexing_slicing,
                    reason = "evaluated by the compiler, with bounds in sight"
                )]
                {
                    all[mask][0][line] |= (inverts(mask, bit, line) as u128) << bit;
                    all[mask][1][line] |= (inverts(mask, line, bit) as u128) << bit;
                }
                bit += 1;
            }
            line += 1;
        }
        mask += 1;
    }
    all
}

/// Table 10 of ISO/IEC 18004 section 7.8.2.
const fn inverts(mask: usize, x: usize, y: usize) -> bool {
    match mask {
        0 => (x + y).is_multiple_of(2),
        1 => y.is_multiple_of(2),
        2 => x.is_multiple_of(3),
        3 => (x + y).is_multiple_of(3),
        4 => (x / 3 + y / 2).is_multiple_of(2),
        5 => x * y % 2 + x * y % 3 == 0,
        6 => (x * y % 2 + x * y % 3).is_multiple_of(2),
        _ => ((x + y) % 2 + x * y % 3).is_multiple_of(2),
    }
}
