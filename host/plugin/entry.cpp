// Boost.DLL opens; everything that the entry says is checked before anything of it is used.
#include "plugin/entry.h"

#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <system_error>

#include "base/call_stack.h"
#include "base/crash_report.h"
#include "plugin/text.h"

namespace trainhost {
namespace {

constexpr const char* kEntrySymbol = "trainhost_plugin_entry_1";
constexpr uint32_t kMaxDescriptors = 256;

[[noreturn]] void fail(const PluginRecord& record, const std::string& complaint) {
  throw Error(ExitCode::kPlugin, format("{}: {}", record.file.string(), complaint));
}

std::string_view view(const trainhost_string& text) { return {text.data ? text.data : "", text.data ? text.length : 0}; }

// What the dynamic loader said, without Boost's words around it.
std::string loader_words(const std::string& what) {
  constexpr std::string_view begin = "dlerror system message: ";
  const size_t from = what.find(begin);
  if (from == std::string::npos) return what;
  const size_t to = what.rfind("): ");
  return what.substr(from + begin.size(), to == std::string::npos ? to : to - from - begin.size());
}

using EntryFunction = const trainhost_entry*();

EntryFunction* load(const PluginRecord& record) {
  // Never unloaded (architecture section 5): threads and static objects of the plugin may outlive its last instance.
  const auto mode = static_cast<boost::dll::load_mode::type>(boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local | RTLD_NODELETE);
  try {
    const boost::dll::shared_library library(record.file.string(), mode);
    if (library.has(kEntrySymbol)) return &library.get<EntryFunction>(kEntrySymbol);
  } catch (const std::system_error& error) {
    fail(record, format("cannot be loaded: {}; install what is missing or build the plugin again", clean_text(loader_words(error.what()))));
  }
  fail(record, format("exports no function {}; build it again with trainhost_add_plugin(), which does", kEntrySymbol));
}

// Nothing that was checked holds for another file: neither before its initialisers run, nor when it was replaced while they did.
EntryFunction* load_unchanged(const PluginRecord& record) {
  require_unchanged(record.file, record.identity);
  EntryFunction* entry = load(record);
  require_unchanged(record.file, record.identity);
  return entry;
}

const trainhost_entry* call_entry(const PluginRecord& record) {
  const std::string name = record.full_name();
  watch_for_exit();
  try {
    EntryFunction* entry = nullptr;
    {
      const CallNote note({name.c_str(), "the start of the library", record.file.c_str()});
      entry = load_unchanged(record);
    }
    const CallNote note({name.c_str(), kEntrySymbol, record.file.c_str()});
    return entry();
  } catch (const Error&) {
    throw;
  } catch (...) {
    fail(record, format("{} threw an exception, which must not leave a plugin; correct the plugin", kEntrySymbol));
  }
}

void check_entry(const PluginRecord& record, const trainhost_entry* entry) {
  if (!entry) fail(record, format("{} returned NULL; correct the plugin", kEntrySymbol));
  if (entry->struct_size < sizeof *entry)
    fail(record, format("its entry has {} bytes, wanted {}; build it again with this SDK", entry->struct_size, sizeof *entry));
  if (entry->abi_major != TRAINHOST_ABI_MAJOR)
    fail(record, format("its entry speaks ABI {}, its metadata ABI {}; build it again with one SDK", entry->abi_major, record.abi));
  if (!entry->create) fail(record, "its entry lacks the function create; correct the plugin");
  if (!entry->descriptors || entry->num_descriptors == 0 || entry->num_descriptors > kMaxDescriptors)
    fail(record,
         format("its entry lists {} descriptors, wanted 1 to {}; correct the plugin", entry->descriptors ? entry->num_descriptors : 0, kMaxDescriptors));
}

const trainhost_descriptor* find_descriptor(const PluginRecord& record, const trainhost_entry& entry) {
  std::string offered;
  for (uint32_t i = 0; i < entry.num_descriptors; ++i) {
    const trainhost_descriptor* descriptor = entry.descriptors[i];
    if (!descriptor || descriptor->struct_size < sizeof *descriptor) fail(record, format("its descriptor {} is damaged; correct the plugin", i + 1));
    if (view(descriptor->kind) == record.kind && view(descriptor->name) == record.name) {
      if (view(descriptor->metadata_json) == record.metadata) return descriptor;
      fail(record, format("the descriptor of {} points to other metadata than the file's section holds; build it again", record.full_name()));
    }
    offered += format("{}{}/{}", i == 0 ? "" : ", ", clean_text(view(descriptor->kind), 64), clean_text(view(descriptor->name), 64));
  }
  fail(record, format("its metadata promises {}, but its entry offers {}; correct the plugin", record.full_name(), offered));
}

}  // namespace

OpenedPlugin open_plugin(const PluginRecord& record) {
  const trainhost_entry* entry = call_entry(record);
  check_entry(record, entry);
  return {entry, find_descriptor(record, *entry)};
}

}  // namespace trainhost
