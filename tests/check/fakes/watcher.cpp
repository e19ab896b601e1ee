// An observer that appends a line to a file for each event.
#include <trainhost/observer.h>

#include <cerrno>
#include <chrono>

#include "misfit.h"

MISFIT_RECORD("observer", "");

namespace {

std::string path_of(const Misfit& self) {
  const auto* run = static_cast<const trainhost_run*>(self.host->get_service(self.host, TRAINHOST_RUN));
  const trainhost_run_facts* facts = run->facts(self.host);
  return std::string(facts->run_folder.data, facts->run_folder.length) + "/events.txt";
}

trainhost_status on_event(trainhost_instance* instance, const trainhost_event* event, trainhost_error* error) {
  Misfit& self = of(instance);
  const std::string_view name(event->name.data, event->name.length);
  if (self.is("refuses_unknown_events") && name == "an_event_of_a_later_version") return say(error, TRAINHOST_UNIMPLEMENTED, "what is that?");
  if (self.is("needs_progress")) self.counter += event->progress->step;
  if (self.is("changes_its_event")) const_cast<trainhost_event*>(event)->unix_ns = 0;
  if (self.is("latches") && self.counter == 999) return say(error, TRAINHOST_INTERNAL, "it failed before, and stays so");
  const int file = ::open(path_of(self).c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const auto begin = std::chrono::steady_clock::now();
  bool is_written = file >= 0 && ::write(file, "event\n", 6) == 6;
  while (self.is("never_gives_up") && !is_written) is_written = ::write(file, "event\n", 6) == 6;
  if (self.is("has_no_patience") && std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(10))
    return say(error, TRAINHOST_DEADLINE_EXCEEDED, "the disk is too slow");
  if (file >= 0 && !self.is("keeps_files_open")) ::close(file);
  if (is_written) return TRAINHOST_OK;
  if (self.is("dies_of_a_full_disk")) std::abort();
  if (self.is("dies_of_an_error") && errno == EIO) std::abort();
  self.counter = 999;
  return say(error, TRAINHOST_RESOURCE_EXHAUSTED, "the file cannot be written");
}

const void* table_of_kind(const Misfit&, std::string_view id) {
  static const trainhost_observer table{sizeof table, 0, on_event};
  return id == TRAINHOST_OBSERVER ? &table : nullptr;
}

}  // namespace

MISFIT_ENTRY("observer")
