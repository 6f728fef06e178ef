//! Every day: what is low or out, to each member of the staff who may do something about it. A day
//! has one letter for each of them, however often the job runs: its id is made of both.

use std::collections::BTreeMap;

use domain::event::{DigestLine, Event, Fact, Letter, Message};
use domain::fault::Fault;
use domain::forecast::{DAYS, forecast};
use domain::id::{EventId, MessageId, RoleId, Ulid};
use domain::permission::Permission;
use domain::staff::{Member, Role};
use domain::stock::KEY_POOL;
use jiff::Timestamp;
use runtime::Tick;
use store::stock::Level;

use crate::App;

/// Lines of a letter; what is more is a number.
const LINES_MAX: usize = 50;
/// Low levels that are looked at for each location.
const LEVELS_MAX: i32 = 100;
/// Members and roles that are read: each kind lies in one partition, and is few.
const STAFF_MAX: i32 = 1000;

/// Writes to the staff.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let locations = app.store.locations_now().await?;
    let mut low: Vec<(String, Level)> = Vec::new();
    let places = locations.active().map(|location| (location.id, location.name.clone()));
    for (id, name) in places.chain([(KEY_POOL, "Keys".to_owned())]) {
        let page = app.store.low_in(id, LEVELS_MAX, None).await?;
        low.extend(page.entries.into_iter().map(|level| (name.clone(), level)));
    }
    if low.is_empty() {
        return Ok(());
    }
    low.sort_by(|a, b| (a.1.available, &a.1.place).cmp(&(b.1.available, &b.1.place)));
    let more = u32::try_from(low.len().saturating_sub(LINES_MAX)).unwrap_or(u32::MAX);
    let mut lines = Vec::new();
    for (location, level) in low.into_iter().take(LINES_MAX) {
        let sold = app.store.sales(&level.place.sku, DAYS, tick.now).await?;
        let days_left = forecast(&sold, level.available).days_left;
        let (sku, available) = (level.place.sku, level.available);
        lines.push(DigestLine { sku, location, available, days_left });
    }
    let members = app.store.members(STAFF_MAX, None).await?.entries;
    let roles = app.store.roles(STAFF_MAX, None).await?.entries;
    for member in readers(members, &roles) {
        let letter = Letter::StockDigest { lines: lines.clone(), more };
        app.store.say(&event(&member, letter, tick.now)).await?;
    }
    Ok(())
}

/// Who may do something about it.
fn readers(members: Vec<Member>, roles: &[Role]) -> Vec<Member> {
    let may: BTreeMap<RoleId, bool> = roles
        .iter()
        .map(|role| (role.id, role.permissions.contains(Permission::InventoryAdjust)))
        .collect();
    let reads = |member: &Member| member.is_active() && may.get(&member.role) == Some(&true);
    members.into_iter().filter(reads).collect()
}

/// The letter of this day to this member.
fn event(member: &Member, letter: Letter, now: Timestamp) -> Event {
    let day = now.as_second().div_euclid(86_400) * 86_400_000;
    let ulid = Ulid::from_parts(u64::try_from(day).unwrap_or(0), member.id.ulid().random());
    let (id, to) = (MessageId::from_ulid(ulid), member.email.clone());
    let fact = Fact::MessageRequested { message: Message { id, to, letter } };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact }
}

#[cfg(test)]
mod tests {
    use domain::address::{Email, PersonName};
    use domain::id::StaffId;
    use domain::permission::Permissions;
    use domain::staff::{By, Status};

    use super::*;

    fn role(number: u128, permission: Permission) -> Role {
        let (id, all) = (RoleId::from_ulid(Ulid::from_parts(1, number)), Permissions::all());
        let by = By { id: StaffId::from_ulid(Ulid::nil()), permissions: &all };
        Role::new(id, "A role", Permissions::of([permission]), by).unwrap()
    }

    fn member(number: u128, role: RoleId, status: Status) -> Member {
        Member {
            id: StaffId::from_ulid(Ulid::from_parts(1, number)),
            email: Email::parse("grace@example.com").unwrap(),
            name: PersonName::parse("Grace Hopper").unwrap(),
            password: None,
            status,
            role,
            second_factor: None,
            created_at: Timestamp::UNIX_EPOCH,
            version: 1,
        }
    }

    #[test]
    fn those_who_may_adjust_stock_are_written_to() {
        let roles = [role(1, Permission::InventoryAdjust), role(2, Permission::InventoryRead)];
        let members = vec![
            member(1, roles[0].id, Status::Active),
            member(2, roles[1].id, Status::Active),
            member(3, roles[0].id, Status::Suspended),
        ];
        let readers = readers(members, &roles);
        assert_eq!(readers.len(), 1);
        assert_eq!(readers[0].id.ulid().random(), 1);
    }

    #[test]
    fn a_day_has_one_letter_for_each_of_them() {
        let grace = member(7, role(1, Permission::InventoryAdjust).id, Status::Active);
        let at = |seconds| {
            let letter = Letter::StockDigest { lines: Vec::new(), more: 0 };
            event(&grace, letter, Timestamp::from_second(seconds).unwrap()).id
        };
        assert_eq!(at(1_790_000_000), at(1_790_000_001));
        assert_ne!(at(1_790_000_000), at(1_790_086_400));
    }
}
