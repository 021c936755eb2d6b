//! Every check by name: [`suite!`](crate::suite) and [`run_all`].

/// Calls a macro with the path of every check. For this crate's own use.
#[doc(hidden)]
#[macro_export]
macro_rules! __twofa_each_check {
    ($with:ident ! ( $($head:tt)* )) => {
        $crate::$with! { $($head)*
            contract: an_empty_store_is_empty, what_is_written_is_read_back,
                a_stale_write_changes_nothing, an_event_that_exists_is_an_error,
                a_login_counts_and_ends_with_the_change,
                a_parked_login_is_resumed_with_its_record, a_sweep_is_bounded_and_exact,
                what_is_committed_outlives_the_handle, every_time_survives,
                text_is_kept_byte_for_byte, factors_are_listed_in_pages,
                subjects_are_listed_in_pages, events_without_a_record_are_found, a_chain_is_read_in_pages,
                notices_are_read_in_order, members_are_listed_in_pages,
                one_of_many_writers_wins, no_count_is_lost, no_notice_is_missed_beside_writers,
                the_installation_has_a_record_of_its_own, a_write_under_older_keys_is_stale,
                nothing_comes_to_rest_under_older_keys, one_of_many_changes_of_keys_wins,
                a_recovery_is_written_whole_or_not_at_all, many_chains_are_read_in_pages,
                a_chain_is_cut_whole_or_not_at_all;
            failures: f01_a_code_works_once, f02_an_older_step_is_refused_after_a_newer_one,
                f03_after_a_hundred_failures_the_right_code_is_refused,
                f04_every_way_of_typing_is_one_code, f05_a_failure_outlives_the_caller,
                f06_failures_are_counted_in_the_store, f07_one_code_many_at_once_one_accepted,
                f07_one_login_many_at_once_one_accepted,
                f08_a_late_writer_never_lowers_the_last_step, f09_the_budget_is_the_factors,
                f09_wrong_codes_at_once_are_counted_exactly, f10_a_new_login_clears_nothing,
                f11_a_factor_in_use_shows_no_secret, f12_only_the_login_that_began_confirms,
                f12_a_replacement_needs_the_old_factor, f13_every_secret_is_new_and_whole,
                f14_a_set_up_that_was_left_blocks_nothing, f15_failures_end_the_login,
                f16_sso_does_not_pass_where_it_is_off, f17_every_refusal_names_a_way_out,
                f18_a_password_beside_sso_is_worth_what_was_set,
                f19_a_change_of_settings_counts_at_once, f20_a_factor_belongs_to_one_project,
                f21_only_a_fresh_proof_of_an_administrator_resets,
                f22_the_role_is_read_when_it_counts, f23_a_reset_voids_everything,
                f23_a_reset_beside_answers_leaves_nothing_alive,
                f24_no_second_of_drift_replays_a_code,
                f25_a_clock_that_goes_back_opens_nothing_again,
                f26_nothing_at_rest_or_printed_is_secret,
                f27_trouble_with_the_store_is_an_error, f28_the_ends_of_time_are_answered,
                f29_a_row_that_was_moved_opens_nothing, f30_a_lost_key_is_no_wrong_code,
                f32_proofs_from_before_are_void_everywhere, f34_a_dry_run_warns_and_is_what_happens;
            rotation: a_rotation_is_seen_by_nobody, proofs_outlive_their_key_by_five_minutes,
                a_bound_proof_opens_in_its_session_alone,
                a_stolen_key_is_worth_nothing_once_retired,
                hosts_that_change_keys_at_once_split_nothing,
                logins_beside_rotations_lose_nothing,
                a_store_without_a_record_of_its_keys_goes_on;
            ways_back: an_import_does_not_bring_a_lost_phone_back,
                a_half_open_session_does_not_outlive_its_password, ended_sessions_do_not_go_on;
            recovery: a_damaged_record_is_recovered, any_byte_of_a_record_may_change,
                a_lowered_generation_brings_nothing_back,
                a_missing_key_is_given_up_by_support_alone, a_recovery_answers_for_what_it_found,
                a_projects_own_record_is_repaired, the_stores_own_record_is_repaired,
                recoveries_at_once_are_one,
                everything_goes_on_beside_a_damaged_record, a_row_that_is_nobodys_breaks_nothing;
            archive: what_is_left_of_an_archived_chain_verifies, what_was_done_to_an_archive_is_found,
                an_archive_that_was_ended_goes_on, a_checkpoint_is_nobodys_to_make,
                what_came_since_a_head_is_checked, checkpoints_rotate_with_everything_else;
            record: a_flood_of_refusals_stops_no_sign_in, a_head_stands_for_what_was_there;
            service: a_handover_code_is_asked_for_after_a_reset,
                an_imported_factor_is_in_use_at_once, keys_rotate_beside_logins,
                factors_are_listed_for_administrators, two_resets_at_once_are_one,
                support_resets_on_a_ticket, settings_are_the_operators,
                notices_tell_people_what_happened, lapsed_logins_are_swept;
        }
    };
}

/// For this crate's own use.
#[doc(hidden)]
#[macro_export]
macro_rules! __twofa_tests {
    (($harness:expr) $($group:ident: $($check:ident),+;)+) => {
        $($(
            #[test]
            fn $check() {
                $crate::testkit::$group::$check(&$harness);
            }
        )+)+
    };
}

/// For this crate's own use.
#[doc(hidden)]
#[macro_export]
macro_rules! __twofa_calls {
    (($each:expr) $($group:ident: $($check:ident),+;)+) => {
        $($( $each(stringify!($check), $crate::testkit::$group::$check); )+)+
    };
}

/// Makes a `#[test]` of every check of the testkit. The expression makes a
/// [`Harness`](crate::testkit::Harness) over an empty store, and is evaluated anew in each test. Use it once in
/// a module.
///
/// ```
/// mod memory {
///     twofa::testkit::suite!(twofa::testkit::MemoryHarness::default());
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! suite {
    ($harness:expr $(,)?) => {
        $crate::__twofa_each_check! { __twofa_tests!(($harness)) }
    };
}

/// Runs every check, each on a harness of its own from `fresh`; tells `told` the name of each before it
/// runs. For stores that cannot be tested by `cargo test`, or to look for the first broken promise.
///
/// ```no_run
/// use twofa::testkit::{MemoryHarness, run_all};
///
/// run_all(MemoryHarness::default, |check| println!("{check}"));
/// ```
pub fn run_all<H: super::Harness>(
    mut fresh: impl FnMut() -> H,
    mut told: impl FnMut(&'static str),
) {
    let mut run = |name: &'static str, check: fn(&H)| {
        told(name);
        check(&fresh());
    };
    crate::__twofa_each_check! { __twofa_calls!((run)) }
}
