//! Dollars, exactly: in millionths, because the fee of one cent is a fifth of it. Never a floating-point number.

use std::fmt;

/// Millionths of a dollar in one cent.
const MICROS_PER_CENT: u64 = 10_000;

/// An amount of US dollars that is not negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money {
    micros: u64,
}

impl Money {
    /// An amount in cents.
    #[must_use]
    pub const fn from_cents(cents: u32) -> Self {
        // A u32 of cents is far inside a u64 of millionths.
        Self { micros: cents as u64 * MICROS_PER_CENT }
    }

    /// Reads what the requester API calls a `CurrencyAmount`: digits, a point, at most two digits more.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (dollars, cents) = text.split_once('.').unwrap_or((text, ""));
        let only_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if dollars.is_empty() || !only_digits(dollars) || !only_digits(cents) || cents.len() > 2 {
            return None;
        }
        let cents: u32 = format!("{dollars}{cents:0<2}").parse().ok()?;
        Some(Self::from_cents(cents))
    }

    /// What Mechanical Turk keeps of a payment to a worker: 20 %, and at least one cent. Source: its pricing page.
    pub(super) fn fee(self) -> Self {
        Self { micros: (self.micros / 5).max(MICROS_PER_CENT) }
    }

    pub(super) fn is_zero(self) -> bool {
        self.micros == 0
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { micros: self.micros.saturating_add(other.micros) }
    }

    pub(super) fn times(self, count: u32) -> Self {
        Self { micros: self.micros.saturating_mul(u64::from(count)) }
    }

    /// The rest; `None` when there is not enough.
    pub(super) fn minus(self, other: Self) -> Option<Self> {
        self.micros.checked_sub(other.micros).map(|micros| Self { micros })
    }
}

/// Dollars and whole cents; what is less than a cent is not shown.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.micros / MICROS_PER_CENT;
        write!(f, "{}.{:02}", cents / 100, cents % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_as_the_api_writes_it() {
        for (text, shown) in [("0", "0.00"), ("1.", "1.00"), ("0.5", "0.50"), ("250.00", "250.00"), ("007.07", "7.07")]
        {
            assert_eq!(Money::parse(text).unwrap().to_string(), shown);
        }
        for text in ["", ".5", "1.234", "-1", "+1", "1e2", "1,00", " 1", "99999999999"] {
            assert_eq!(Money::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_fee_is_a_fifth_and_at_least_a_cent() {
        for (amount, fee) in [(1, 10_000), (5, 10_000), (6, 12_000), (12, 24_000), (100, 200_000)] {
            assert_eq!(Money::from_cents(amount).fee(), Money { micros: fee });
        }
    }

    #[test]
    fn money_never_goes_below_nothing() {
        let (one, two) = (Money::from_cents(1), Money::from_cents(2));

        assert_eq!(two.minus(one), Some(one));
        assert_eq!(one.minus(two), None);
        assert_eq!(one.times(3), one.plus(two));
    }
}
