#!/usr/bin/env python3
"""Each question can fail: plugins that break one promise, and the reason that `plugins check` gives. Without a behaviour they keep all of them."""

import unittest
import unittest.mock

from checking import FAKES, TestCase

SOUND = ["rule", "policy", "windows", "rates", "watcher", "source", "backend"]

# File, behaviour, question, part of the reason.
MISFITS = [
    ("extra_export", "", "elf/exports_one_function", "it also exports misfit_extra_export"),
    ("unique", "", "elf/has_no_unique_symbols", "Shared<int>::value would be one object for all plugins of the process"),
    ("text_relocation", "", "elf/has_no_text_relocations", "the loader must write into its code"),
    ("executable_stack", "", "elf/has_no_executable_stack", "it asks for an executable stack"),
    ("torch_symbol", "", "elf/symbols_fit_the_tier", "it states no torch_build, but needs at::misfit_of_torch()"),
    ("torch_symbol", "", "elf/resolves_at_once", "undefined symbol"),
    ("odd_schema", "", "elf/schema_is_valid", 'the keyword "propertys" is not supported; did you mean "properties"?'),
    ("open_schema", "", "settings/host_refuses_what_is_outside", "the schema takes a key that it does not have"),
    ("rule", "crashes_when_large", "settings/takes_or_refuses_what_is_inside", "crashed with SIGABRT (Aborted)"),
    ("rule", "refuses_without_words", "settings/takes_or_refuses_what_is_inside", "create failed with INVALID_ARGUMENT and no words"),
    ("rule", "no_interface", "any/has_the_interface_of_its_kind", "it has no interface trainhost.stopping_rule/1"),
    ("rule", "grabs_any_interface", "any/unknown_interface_is_null", 'get_interface("trainhost.nothing_of_this_name/1") is not NULL'),
    ("rule", "early_file", "any/opens_nothing_before_start", "create opened"),
    ("rule", "early_thread", "any/opens_nothing_before_start", "create started 1 threads"),
    ("rule", "leaks_memory", "any/leaks_nothing", "more bytes are allocated after 500 times create and destroy, 1"),
    ("rule", "leaks_a_file", "any/leaks_nothing", "-> /dev/null are open after destroy"),
    ("rule", "leaks_a_thread", "any/leaks_nothing", "threads run on after destroy"),
    ("rule", "knows_one_thread", "any/same_from_eight_threads", "one of eight threads got"),
    ("rule", "crashes", "any/unknown_interface_is_null", "crashed with SIGSEGV (Segmentation fault)"),
    ("rule", "aborts", "any/unknown_interface_is_null", "crashed with SIGABRT (Aborted)"),
    ("rule", "ends_its_host", "any/unknown_interface_is_null", "the plugin ended its host with exit code 0, without an answer"),
    ("rule", "refuses_all", "any/unknown_interface_is_null", "INVALID_ARGUMENT (it likes no settings); give it settings that work, with --config FILE.toml"),
    ("policy", "long_words", "any/error_text_stays_in_its_buffer", "touched memory behind the end of trainhost_error"),
    ("policy", "wrong_length", "any/error_text_stays_in_its_buffer", "message_length is 60000, the buffer has 504 bytes"),
    ("policy", "latin1", "any/error_text_stays_in_its_buffer", "words that are no UTF-8"),
    ("policy", "silent", "any/error_text_stays_in_its_buffer", "FAILED_PRECONDITION and no words"),
    ("policy", "needs_error_text", "any/nobody_wants_the_words", "crashed with SIGSEGV"),
    ("rule", "long_words", "any/error_text_stays_in_its_buffer", "touched memory behind the end of trainhost_error"),
    ("rule", "silent", "any/error_text_stays_in_its_buffer", "load of no bytes failed with DATA_LOSS and no words"),
    ("rule", "needs_error_text", "any/nobody_wants_the_words", "crashed with SIGSEGV"),
    ("rule", "latches_after_load", "any/works_after_an_error", "INTERNAL (its state was refused once)"),
    ("source", "changes_after_an_error", "any/works_after_an_error", "it failed before, and stays so"),
    ("source", "not_for_two_threads", "any/same_from_eight_threads", "somebody else is reading"),
    ("source", "lengths_for_one_thread", "any/same_from_eight_threads", "lengths: INTERNAL (somebody else is counting)"),
    ("source", "encodes_for_one_thread", "any/same_from_eight_threads", "INTERNAL (somebody else is encoding)"),
    ("source", "decodes_for_one_thread", "any/same_from_eight_threads", "INTERNAL (somebody else is decoding)"),
    ("backend", "copies_for_one_thread", "any/same_from_eight_threads", "somebody else is copying"),
    ("windows", "changes_after_an_error", "any/works_after_an_error", "after a call that failed it answers otherwise"),
    ("rule", "save_changes", "state/save_load_save_is_equal", "two saves of one state are not the same bytes"),
    ("rule", "loads_wrongly", "state/save_load_save_is_equal", "saved, loaded and saved again, the state is other bytes"),
    ("rule", "start_changes_state", "state/save_load_save_is_equal", "start changes the state that was loaded"),
    ("rule", "wants_aligned_state", "state/loads_from_any_address", "crashed with SIGABRT"),
    ("rule", "reads_too_far", "state/save_load_save_is_equal", "touched memory behind the end of the state that was handed to load"),
    ("rule", "takes_any_state", "state/refuses_damaged_state", "load takes no bytes at all"),
    ("rule", "half_loads", "state/refuses_damaged_state", "load refused no bytes at all, but has changed the state"),
    ("rule", "hides_failed_writes", "state/passes_a_failed_write_on", "save answered OK; pass it on unchanged"),
    ("rule", "renames_failed_writes", "state/passes_a_failed_write_on", "save answered INTERNAL (the write failed); pass it on unchanged"),
    ("policy", "unsteady_plan", "precision_policy/same_facts_same_plan", "asked twice, it plans otherwise"),
    ("policy", "endless_scale", "precision_policy/constants_are_ordered", "a constant of the scale is inf"),
    ("policy", "shrinking_growth", "precision_policy/constants_are_ordered", "wanted growth_factor > 1 > backoff_factor, got 1"),
    ("policy", "odd_flag", "precision_policy/constants_are_ordered", "flags are 64"),
    ("policy", "float8_everywhere", "precision_policy/device_has_the_formats", "for CUDA 70: the format of compute has 8 bits, which this device cannot do"),
    ("policy", "integers", "precision_policy/device_has_the_formats", "no floating-point format"),
    ("policy", "refuses_with_internal", "precision_policy/device_has_the_formats", "hardware that cannot do it is FAILED_PRECONDITION"),
    ("policy", "unsteady_layers", "precision_policy/same_facts_same_plan", "asked twice, it plans otherwise"),
    ("policy", "float8_layers", "precision_policy/device_has_the_formats", "for CUDA 70: the format of weight of head has 8 bits, which this device cannot do"),
    ("policy", "integer_layers", "precision_policy/device_has_the_formats", "the format of weight of head is code 0 with 8 bits, which is no floating-point format"),
    ("policy", "refuses_layers_without_words", "precision_policy/device_has_the_formats", "format_of failed with FAILED_PRECONDITION and no words"),
    ("policy", "writes_beyond_the_format", "precision_policy/device_has_the_formats", "touched memory behind the end of the format that format_of answers"),
    ("policy", "throws", "precision_policy/device_has_the_formats", "plan threw an exception (thrown on purpose), which must not leave a plugin"),
    ("policy", "null_plan", "precision_policy/device_has_the_formats", "plan is NULL"),
    ("policy", "clears_what_it_does_not_know", "precision_policy/leaves_later_fields_alone", "it writes into fields that it does not know"),
    ("policy", "writes_beyond_the_plan", "precision_policy/constants_are_ordered", "touched memory behind the end of trainhost_precision_plan"),
    ("windows", "empty_window", "accumulation_schedule/windows_are_whole", "micro_batch_samples is 0"),
    ("windows", "two_targets", "accumulation_schedule/windows_are_whole", "wanted exactly one of the three targets"),
    ("windows", "unsteady_windows", "accumulation_schedule/same_progress_same_windows", "another instance of the same settings"),
    ("windows", "stubborn", "accumulation_schedule/out_of_memory_shrinks_micro_batches_only", "out of memory with 8 samples at once, it answers 8; wanted 1 to 7"),
    ("windows", "window_shrinks_too", "accumulation_schedule/out_of_memory_shrinks_micro_batches_only", "changed the window itself, from 32 samples to 16"),
    ("windows", "gives_up_oddly", "accumulation_schedule/out_of_memory_shrinks_micro_batches_only", "when nothing smaller is left it is RESOURCE_EXHAUSTED"),
    ("windows", "ends_in_nothing", "accumulation_schedule/pieces_sum_to_the_window", "num_micro_batches 0, target_samples 0, target_tokens 0; wanted exactly one"),
    ("windows", "rounds_up_late", "accumulation_schedule/pieces_sum_to_the_window", "the window was 32 samples at first, and in pieces of 4 it is 36 samples"),
    ("windows", "drops_the_rest", "accumulation_schedule/pieces_sum_to_the_window", "the pieces must sum to the window that was asked"),
    ("source", "twin_fields", "data_source/info_is_sound", 'two fields are named "tokens"'),
    ("source", "bad_blocks", "data_source/info_is_sound", "block 1 starts at sample 0; starts ascend from 0"),
    ("source", "unsteady_fingerprint", "data_source/fingerprint_is_stable", "asked twice, info answers otherwise"),
    ("source", "no_fingerprint", "data_source/fingerprint_is_stable", "the fingerprint is all zeroes"),
    ("source", "depends_on_order", "data_source/same_ids_same_bytes", "read alone has other bytes"),
    ("source", "depends_on_time", "data_source/same_ids_same_bytes", "has other bytes"),
    ("source", "wrong_shape", "data_source/same_ids_same_bytes", 'field "tokens": axis 0 of a sample is 5, which info does not allow'),
    ("source", "beyond_its_classes", "data_source/same_ids_same_bytes", 'field "tokens" holds 250, wanted 0 to 199 or -1'),
    ("source", "writes_behind_its_place", "data_source/same_ids_same_bytes", 'field "tokens": read writes behind its end, at byte 4 of 4'),
    ("source", "leaves_fields_out", "data_source/same_ids_same_bytes", 'has left out field "label"'),
    ("source", "denies_its_keys", "data_source/kept_samples_ignore_their_keys", "which it says not to draw, read with another random key has other bytes"),
    ("source", "reads_beyond_its_end", "data_source/ids_out_of_range_are_refused", "it reads sample 100, of 100"),
    ("source", "retry_forever", "data_source/ids_out_of_range_are_refused", "is UNAVAILABLE, which the host tries again"),
    ("source", "hides_failed_reserves", "data_source/passes_a_failed_reserve_on", "read says OK, but has left out"),
    ("source", "renames_failed_reserves", "data_source/passes_a_failed_reserve_on", "read answers INTERNAL (no); pass it on"),
    ("source", "wrong_lengths", "data_source/lengths_are_those_of_the_samples", "lengths says 4 targets for sample 0, which has 1 that count"),
    ("source", "garbles_text", "data_source/text_comes_back", '"The quick brown fox" comes back as "??'),
    ("source", "ignores_the_room", "data_source/text_comes_back", "crashed with SIGSEGV"),
    ("backend", "shows_at_begin", "checkpoint_backend/nothing_is_visible_before_commit", "after put_begin, before put_commit, the object can be read"),
    ("backend", "forgets_at_restart", "checkpoint_backend/nothing_is_visible_before_commit", "get \"run/weights\": NOT_FOUND"),
    ("backend", "odd_parts", "checkpoint_backend/nothing_is_visible_before_commit", "wants parts of 1000 bytes, which is no multiple of 4096"),
    ("backend", "keeps_what_was_aborted", "checkpoint_backend/abort_leaves_nothing", "after put_abort, something of the object is there"),
    ("backend", "takes_holes", "checkpoint_backend/unfinished_objects_are_refused", "takes an object of which parts were never written"),
    ("backend", "checks_no_sums", "checkpoint_backend/unfinished_objects_are_refused", "crc32c is another one than its bytes have"),
    ("backend", "create_overwrites", "checkpoint_backend/nothing_is_overwritten", "create with other bytes over an object answers OK; wanted ALREADY_EXISTS"),
    ("backend", "overwrites", "checkpoint_backend/nothing_is_overwritten", "a put over an existing object succeeds"),
    ("backend", "loses_the_last_byte", "checkpoint_backend/sizes_come_back", "an object of 1 bytes comes back otherwise"),
    ("backend", "no_large_objects", "checkpoint_backend/a_large_object_comes_back", "putting 100000000 bytes: RESOURCE_EXHAUSTED (that is too much)"),
    ("backend", "wants_parts_in_order", "checkpoint_backend/parts_come_in_any_order", "put_part: INTERNAL (not in order)"),
    ("backend", "stops_early", "checkpoint_backend/ranges_are_exact", "gives other bytes or another number"),
    ("backend", "lists_backwards", "checkpoint_backend/list_is_ordered", "wanted the bytewise order of the keys"),
    ("backend", "lists_on", "checkpoint_backend/list_is_ordered", "list visits on after a visit that returned not 0"),
    ("backend", "removes_nothing", "checkpoint_backend/remove_removes", "a removed object can still be read or listed"),
    ("backend", "removes_all", "checkpoint_backend/remove_removes", "NOT_FOUND"),
    ("backend", "misses_what_is_absent", "checkpoint_backend/remove_removes", "remove of an object that is absent: NOT_FOUND"),
    ("backend", "copies_hold_nothing", "checkpoint_backend/copies_are_the_object", "none of 2 places holds an object that was put"),
    ("backend", "copies_of_nothing", "checkpoint_backend/copies_are_the_object", "gives other bytes than were put, or another number"),
    ("backend", "copies_are_lost", "checkpoint_backend/copies_are_the_object", "out of place 1: UNAVAILABLE (the second place is closed); a place without the object answers NOT_FOUND"),
    ("backend", "copies_are_damaged", "checkpoint_backend/copies_are_the_object", "get_copy of 10001 bytes from 0 out of place 1 gives other bytes than were put"),
    ("backend", "copies_begin_at_0", "checkpoint_backend/copies_are_the_object", "get_copy of 3333 bytes from 3333 out of place 0 gives other bytes than were put"),
    ("backend", "takes_any_key", "checkpoint_backend/odd_keys_work", 'create takes the key ""'),
    ("backend", "no_dotted_keys", "checkpoint_backend/odd_keys_work", 'create "._-": INVALID_ARGUMENT (it likes no dots)'),
    ("backend", "lets_two_win", "checkpoint_backend/one_creator_wins", "threads created"),
    ("backend", "removes_nothing", "checkpoint_backend/callers_do_not_disturb_each_other", "list does not visit the one object of this thread"),
    ("backend", "parts_from_one_thread_only", "checkpoint_backend/parts_come_from_many_threads", "put_part: INTERNAL (another thread began it)"),
    ("rule", "unsteady_verdict", "stopping_rule/same_input_same_verdict", "another instance of the same settings"),
    ("rule", "forgets", "stopping_rule/verdict_survives_a_resume", "after a resume at window 200"),
    ("rule", "no_reason", "stopping_rule/stop_has_a_reason", "without a reason"),
    ("rule", "unknown_stop", "stopping_rule/stop_has_a_reason", "stop is 77, which means nothing"),
    ("rule", "reads_beyond_progress", "stopping_rule/stop_has_a_reason", "touched memory behind the end of trainhost_progress"),
    ("rule", "chokes_on_odd_numbers", "stopping_rule/bears_odd_numbers", "crashed with SIGABRT"),
    ("rates", "negative", "lr_schedule/factors_are_finite", "the factor of step 1001 is -1, wanted a finite number from 0"),
    ("rates", "not_a_number_without_length", "lr_schedule/factors_are_finite", "the factor of step 0 is nan"),
    ("rates", "writes_one_more", "lr_schedule/factors_are_finite", "touched memory behind the end of out of factors"),
    ("rates", "forgets_where_it_is", "lr_schedule/same_step_same_factor", "when asked from step 0"),
    ("rates", "hides_changes", "lr_schedule/says_when_factors_change", "its factors are others, but update did not say so"),
    ("watcher", "keeps_files_open", "observer/bears_a_flood", "files are open after 1000 events"),
    ("watcher", "refuses_unknown_events", "observer/bears_any_event", 'event "an_event_of_a_later_version": UNIMPLEMENTED (what is that?)'),
    ("watcher", "needs_progress", "observer/bears_any_event", "crashed with SIGSEGV"),
    ("watcher", "changes_its_event", "observer/bears_a_flood", "on_event has changed its event"),
    ("watcher", "dies_of_a_full_disk", "observer/bears_a_full_disk", "crashed with SIGABRT"),
    ("watcher", "latches", "observer/bears_a_full_disk", "the disk has room again, but event"),
    ("watcher", "has_no_patience", "observer/bears_slow_and_failing_disks", "a write takes 10 ms, and an event is answered with DEADLINE_EXCEEDED (the disk is too slow)"),
    ("watcher", "dies_of_an_error", "observer/bears_slow_and_failing_disks", "crashed with SIGABRT"),
    ("watcher", "never_gives_up", "observer/bears_slow_and_failing_disks", 'a write that fails with "No space left on device" is tried more than 1000 times; give up'),
    ("watcher", "latches", "observer/bears_slow_and_failing_disks", 'writes failed with "No space left on device" and work again, but an event is answered with INTERNAL'),
]
SHOWN_ELSEWHERE = {"elf/section_is_the_descriptor"}  # answers.py, with a plugin of the zoo


class Misfits(TestCase):
    def test_without_a_behaviour_they_keep_every_promise(self):
        for name in SOUND:
            with self.subTest(name):
                text = self.check(FAKES / f"{name}.so", "--reproduce", 1)
                self.assertIn(" 0 failed", text.splitlines()[-1], text)

    def test_a_state_may_be_written_in_pieces(self):
        """Of no byte, one byte, and primes."""
        answers = self.answers(FAKES / "rule.so", "--only", "state/", "misfit.behaviour=saves_in_pieces")
        self.assertEqual({question: outcome for question, (outcome, _) in answers.items() if question.startswith("state/")},
                         dict.fromkeys(("state/save_load_save_is_equal", "state/loads_from_any_address", "state/refuses_damaged_state", "state/passes_a_failed_write_on"), "ok"))

    def test_calls_that_nobody_can_make_fail_are_said_to_be_left_out(self):
        for question in ("any/error_text_stays_in_its_buffer", "any/nobody_wants_the_words", "any/works_after_an_error"):
            for name in ("rates", "watcher"):
                self.assertEqual(self.answers(FAKES / f"{name}.so", "--only", question)[question], ("skipped", "no call of its kind has to fail, and it has no state to refuse"))
            self.assertEqual(self.answers(FAKES / "rule.so", "--only", question)[question][0], "ok")

    def test_the_allocators_caches_do_not_count_as_leaks(self):
        """mallinfo counts what they hold as allocated; the tunables of the caller stay."""
        for environment, words in (({}, "INVALID_ARGUMENT (glibc.malloc.tcache_count=0)"), ({"GLIBC_TUNABLES": "glibc.malloc.perturb=1"}, "INVALID_ARGUMENT (glibc.malloc.perturb=1:glibc.malloc.tcache_count=0)")):
            with unittest.mock.patch.dict("os.environ", environment):
                self.assert_fails(FAKES / "rule.so", "any/leaks_nothing", words, settings=["misfit.behaviour=tells_the_tunables"])

    def test_with_one_they_break_the_promise_that_is_asked_for(self):
        for name, behaviour, question, part in MISFITS:
            with self.subTest(name=name, behaviour=behaviour, question=question):
                settings = [f"misfit.behaviour={behaviour}"] if behaviour else []
                self.assert_fails(FAKES / f"{name}.so", question, part, settings=settings)

    def test_every_question_is_seen_failing(self):
        asked = {question for name in SOUND for question in self.answers(FAKES / f"{name}.so")}
        self.assertEqual(asked - {question for _, _, question, _ in MISFITS} - SHOWN_ELSEWHERE, set())

    def test_a_question_that_hangs_fails_at_its_limit(self):
        text = self.check(FAKES / "rule.so", "--only", "any/unknown", "--time-limit", 0.3, "misfit.behaviour=hangs", code=13)
        self.assertIn("any/unknown_interface_is_null: is not done after 0.3 s", text)

    def test_the_seed_makes_the_same_failure_again(self):
        first, second = (self.answers(FAKES / "rule.so", "--only", "settings/takes", "--reproduce", 3, "misfit.behaviour=refuses_without_words") for _ in range(2))
        self.assertEqual(first, second)


if __name__ == "__main__":
    unittest.main()
