//! When a parcel leaves and when it arrives: local time of the shop, working days, days off.

use std::fmt;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Days off in one rule: some years of them.
pub const CLOSED_DAYS_MAX: usize = 200;
/// Days that are looked through for a working day; a shop that is closed longer tells no window.
const LOOK_AHEAD_DAYS: u32 = 400;

/// A day of the week.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// Every day, by its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("monday", Self::Monday),
        ("tuesday", Self::Tuesday),
        ("wednesday", Self::Wednesday),
        ("thursday", Self::Thursday),
        ("friday", Self::Friday),
        ("saturday", Self::Saturday),
        ("sunday", Self::Sunday),
    ];
    /// The working week of most places.
    pub const WORKING: [Self; 5] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday];

    const fn of(day: jiff::civil::Weekday) -> Self {
        match day {
            jiff::civil::Weekday::Monday => Self::Monday,
            jiff::civil::Weekday::Tuesday => Self::Tuesday,
            jiff::civil::Weekday::Wednesday => Self::Wednesday,
            jiff::civil::Weekday::Thursday => Self::Thursday,
            jiff::civil::Weekday::Friday => Self::Friday,
            jiff::civil::Weekday::Saturday => Self::Saturday,
            jiff::civil::Weekday::Sunday => Self::Sunday,
        }
    }
}

/// When parcels leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    /// Where the clock hangs, by its IANA name: `Europe/Berlin`.
    pub time_zone: String,
    /// Until when an order leaves on the same working day; all day where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub cut_off: Option<Time>,
    /// The days on which parcels leave and arrive.
    #[serde(default = "working_week")]
    pub working_days: Vec<Weekday>,
    /// Days off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub closed_on: Vec<Date>,
    /// Working days that packing takes before a parcel leaves.
    #[serde(default)]
    pub handling_days: u8,
}

fn working_week() -> Vec<Weekday> {
    Weekday::WORKING.to_vec()
}

/// Why a rule is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not a time zone of the IANA database.
    UnknownTimeZone,
    /// A week without a working day.
    NoWorkingDay,
    /// More than [`CLOSED_DAYS_MAX`] days off.
    TooManyClosedDays,
}

impl Refusal {
    /// The stable name callers see.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownTimeZone => "unknown_time_zone",
            Self::NoWorkingDay => "no_working_day",
            Self::TooManyClosedDays => "too_many_closed_days",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTimeZone => f.write_str("there is no such time zone"),
            Self::NoWorkingDay => f.write_str("a week needs a working day"),
            Self::TooManyClosedDays => write!(f, "at most {CLOSED_DAYS_MAX} days off"),
        }
    }
}

/// The days between which a parcel arrives, both included, where the buyer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DeliveryWindow")]
pub struct Window {
    /// The first.
    #[schemars(with = "String", extend("format" = "date"))]
    pub earliest: Date,
    /// The last.
    #[schemars(with = "String", extend("format" = "date"))]
    pub latest: Date,
}

impl Dispatch {
    /// Whether the rule can be followed.
    pub fn check(&self) -> Result<(), Refusal> {
        if TimeZone::get(&self.time_zone).is_err() {
            return Err(Refusal::UnknownTimeZone);
        }
        if self.working_days.is_empty() {
            return Err(Refusal::NoWorkingDay);
        }
        if self.closed_on.len() > CLOSED_DAYS_MAX {
            return Err(Refusal::TooManyClosedDays);
        }
        Ok(())
    }

    /// When something arrives that is ordered now and is under way for so many working days: it
    /// leaves today, if today is a working day and the cut-off is not over, or on the next one.
    pub fn window(
        &self,
        now: Timestamp,
        cut_off: Option<Time>,
        lead_days: (u8, u8),
    ) -> Option<Window> {
        let local = now.to_zoned(TimeZone::get(&self.time_zone).ok()?).datetime();
        let is_in_time = cut_off.or(self.cut_off).is_none_or(|cut_off| local.time() < cut_off);
        let today = local.date();
        let packed = if self.is_working(today) && is_in_time {
            today
        } else {
            self.working_day_after(today)?
        };
        let leaves = self.later(packed, self.handling_days)?;
        Some(Window {
            earliest: self.later(leaves, lead_days.0)?,
            latest: self.later(leaves, lead_days.1)?,
        })
    }

    fn is_working(&self, day: Date) -> bool {
        self.working_days.contains(&Weekday::of(day.weekday())) && !self.closed_on.contains(&day)
    }

    fn working_day_after(&self, day: Date) -> Option<Date> {
        let mut day = day;
        for _ in 0..LOOK_AHEAD_DAYS {
            day = day.checked_add(1.day()).ok()?;
            if self.is_working(day) {
                return Some(day);
            }
        }
        None
    }

    /// So many working days after a day.
    fn later(&self, day: Date, working_days: u8) -> Option<Date> {
        (0..working_days).try_fold(day, |day, _| self.working_day_after(day))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    fn rule() -> Dispatch {
        Dispatch {
            time_zone: "Europe/Berlin".into(),
            cut_off: Some(time(14, 0, 0, 0)),
            working_days: Weekday::WORKING.to_vec(),
            closed_on: vec![date(2026, 12, 25), date(2027, 1, 1)],
            handling_days: 0,
        }
    }

    fn window(rule: &Dispatch, now: &str, lead: (u8, u8)) -> String {
        let window = rule.window(now.parse().unwrap(), None, lead).unwrap();
        format!("{} to {}", window.earliest, window.latest)
    }

    #[test]
    fn what_is_ordered_before_the_cut_off_leaves_today() {
        // A Wednesday; Berlin is an hour ahead of UTC in winter and two in summer.
        assert_eq!(window(&rule(), "2026-11-18T12:59:59Z", (1, 2)), "2026-11-19 to 2026-11-20");
        assert_eq!(window(&rule(), "2026-11-18T13:00:00Z", (1, 2)), "2026-11-20 to 2026-11-23");
        assert_eq!(window(&rule(), "2026-07-15T11:59:59Z", (1, 1)), "2026-07-16 to 2026-07-16");
        assert_eq!(window(&rule(), "2026-07-15T12:00:00Z", (1, 1)), "2026-07-17 to 2026-07-17");
    }

    #[test]
    fn weekends_and_days_off_do_not_count() {
        assert_eq!(window(&rule(), "2026-11-20T12:00:00Z", (1, 3)), "2026-11-23 to 2026-11-25");
        assert_eq!(window(&rule(), "2026-11-21T09:00:00Z", (0, 1)), "2026-11-23 to 2026-11-24");
        // Thursday before Christmas: Friday is off, the weekend as always.
        assert_eq!(window(&rule(), "2026-12-24T09:00:00Z", (1, 1)), "2026-12-28 to 2026-12-28");
        assert_eq!(window(&rule(), "2026-12-25T09:00:00Z", (0, 0)), "2026-12-28 to 2026-12-28");
    }

    #[test]
    fn the_day_is_the_shops_and_not_that_of_utc() {
        let tokyo = Dispatch { time_zone: "Asia/Tokyo".into(), cut_off: None, ..rule() };
        // Sunday in London is Monday in Tokyo.
        assert_eq!(window(&tokyo, "2026-11-22T20:00:00Z", (0, 1)), "2026-11-23 to 2026-11-24");
    }

    #[test]
    fn packing_takes_its_days_and_a_method_may_have_its_own_cut_off() {
        let slow = Dispatch { handling_days: 2, ..rule() };
        assert_eq!(window(&slow, "2026-11-18T09:00:00Z", (1, 1)), "2026-11-23 to 2026-11-23");
        let early = Some(time(9, 0, 0, 0));
        let now = "2026-11-18T09:00:00Z".parse().unwrap();
        assert_eq!(rule().window(now, early, (0, 0)).unwrap().earliest, date(2026, 11, 19));
    }

    #[test]
    fn a_rule_that_nobody_can_follow_is_none() {
        let refusal = |rule: Dispatch| rule.check().unwrap_err();
        let unknown = Dispatch { time_zone: "Mars/Olympus".into(), ..rule() };
        assert_eq!(refusal(unknown.clone()), Refusal::UnknownTimeZone);
        assert_eq!(unknown.window(Timestamp::UNIX_EPOCH, None, (0, 0)), None);
        assert_eq!(refusal(Dispatch { working_days: vec![], ..rule() }), Refusal::NoWorkingDay);
        let days: Vec<Date> = (0..=CLOSED_DAYS_MAX)
            .map(|n| date(2026, 1, 1).checked_add(i64::try_from(n).unwrap().days()).unwrap())
            .collect();
        assert_eq!(refusal(Dispatch { closed_on: days, ..rule() }), Refusal::TooManyClosedDays);
        assert!(rule().check().is_ok());
    }
}
