// Questions about the file as it lies on the disk: what it exports, what it needs, what it says of itself.
#include <cxxabi.h>
#include <dlfcn.h>

#include <cstdlib>
#include <memory>
#include <regex>

#include "conformance/answer.h"
#include "conformance/elf_file.h"
#include "conformance/questions.h"
#include "trainhost/plugin.h"

namespace trainhost::conformance {
namespace {

constexpr std::string_view kEntry = "trainhost_plugin_entry_";

std::string readable(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && name ? name.get() : symbol;
}

// "a, b, c and 4 more"
std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < 3; ++i) text += (i ? ", " : "") + names[i];
  return names.size() > 3 ? text + format(" and {} more", names.size() - 3) : text;
}

bool is_entry(const std::string& symbol) { return symbol.starts_with(kEntry) && symbol.find_first_not_of("0123456789", kEntry.size()) == std::string::npos; }

void exports_one_function(const Subject& subject) {
  std::vector<std::string> others;
  bool has_entry = false;
  const ElfFile file(subject.file);
  for (const ElfFile::Symbol& symbol : file.symbols()) {
    if (!symbol.is_defined) continue;
    has_entry = has_entry || symbol.name == "trainhost_plugin_entry_1";
    if (!is_entry(symbol.name)) others.push_back(readable(symbol.name));
  }
  require(has_entry, "it exports no trainhost_plugin_entry_1");
  require(others.empty(), "it also exports {}; hide all but the entry: -fvisibility=hidden and a version script, or trainhost_add_plugin()", some_of(others));
}

void has_no_unique_symbols(const Subject& subject) {
  std::vector<std::string> unique;
  const ElfFile file(subject.file);
  for (const ElfFile::Symbol& symbol : file.symbols())
    if (symbol.binding == STB_GNU_UNIQUE) unique.push_back(readable(symbol.name));
  require(unique.empty(), "{} would be one object for all plugins of the process; compile with -fno-gnu-unique", some_of(unique));
}

void resolves_at_once(const Subject& subject) {
  if (!dlopen(subject.file.c_str(), RTLD_NOW | RTLD_LOCAL)) fail("{}; link what is missing: -Wl,-z,defs says so at build time", dlerror());
}

const trainhost_entry& entry_of(const Subject& subject) {
  void* library = dlopen(subject.file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) fail("{}", dlerror());
  const auto function = reinterpret_cast<const trainhost_entry* (*)()>(dlsym(library, "trainhost_plugin_entry_1"));
  require(function != nullptr, "it exports no trainhost_plugin_entry_1");
  const trainhost_entry* entry = function();
  require(entry != nullptr, "trainhost_plugin_entry_1 returned NULL");
  require(function() == entry, "trainhost_plugin_entry_1 gave two answers; it must be pure");
  return *entry;
}

void section_is_the_descriptor(const Subject& subject) {
  const trainhost_entry& entry = entry_of(subject);
  require(entry.abi_major == TRAINHOST_ABI_MAJOR, "the entry speaks ABI {}, the metadata {}", entry.abi_major, TRAINHOST_ABI_MAJOR);
  require(entry.num_descriptors == subject.records.size(), "the entry lists {} plugins, the section holds {}", entry.num_descriptors, subject.records.size());
  for (const Record& record : subject.records) {
    const trainhost_descriptor* found = nullptr;
    for (std::uint32_t i = 0; i < entry.num_descriptors; ++i)
      if (view(entry.descriptors[i]->kind) == record.kind && view(entry.descriptors[i]->name) == record.name) found = entry.descriptors[i];
    require(found != nullptr, "the section promises {}, the entry does not list it", record.full_name());
    require(view(found->metadata_json) == record.metadata, "the descriptor of {} points to other bytes than the section holds", record.full_name());
  }
}

void has_no_text_relocations(const Subject& subject) {
  const ElfFile file(subject.file);
  for (const Elf64_Dyn& entry : file.dynamic())
    if (entry.d_tag == DT_TEXTREL || (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_TEXTREL)))
      fail("the loader must write into its code (text relocations), which hardened systems refuse; compile all of it with -fPIC");
}

void has_no_executable_stack(const Subject& subject) {
  const ElfFile file(subject.file);
  for (const Elf64_Phdr& segment : file.segments())
    if (segment.p_type == PT_GNU_STACK) {
      require((segment.p_flags & PF_X) == 0, "it asks for an executable stack, which would hold for the whole host; link with -Wl,-z,noexecstack");
      return;
    }
  fail("it does not say that its stack need not be executable (no PT_GNU_STACK); link with -Wl,-z,noexecstack");
}

// LibTorch speaks C++ that no plugin without a build string may rely on.
void symbols_fit_the_tier(const Subject& subject) {
  for (const Record& record : subject.records)
    if (record.is_tied_to_torch) return;  // the build string, which the host compares, is what holds it to its LibTorch
  static const std::regex torch_name("(^|[^A-Za-z0-9_:])(at|c10|torch|caffe2)::");
  std::vector<std::string> names;
  const ElfFile file(subject.file);
  for (const ElfFile::Symbol& symbol : file.symbols())
    if (const std::string name = readable(symbol.name); !symbol.is_defined && std::regex_search(name, torch_name)) names.push_back(name);
  for (const std::string& library : file.needed())
    if (library.starts_with("libtorch") || library.starts_with("libc10")) names.push_back(library);
  require(names.empty(), "it states no torch_build, but needs {}; build it with trainhost_add_plugin(... TORCH), or leave LibTorch out", some_of(names));
}

void schema_is_valid(const Subject& subject) { subject.host.check_schema(subject.record().schema); }

constexpr Question kElfQuestions[] = {
    {"elf/exports_one_function", "The file exports the entry function and nothing else", "", Scope::kFile, answer<exports_one_function>},
    {"elf/has_no_unique_symbols", "No symbol is shared by all plugins of a process", "", Scope::kFile, answer<has_no_unique_symbols>},
    {"elf/has_no_text_relocations", "The loader writes nothing into its code", "", Scope::kFile, answer<has_no_text_relocations>},
    {"elf/has_no_executable_stack", "It asks for no executable stack", "", Scope::kFile, answer<has_no_executable_stack>},
    {"elf/symbols_fit_the_tier", "A T0 plugin needs nothing of LibTorch", "", Scope::kFile, answer<symbols_fit_the_tier>},
    {"elf/resolves_at_once", "It loads with every symbol resolved", "", Scope::kFile, answer<resolves_at_once>},
    {"elf/section_is_the_descriptor", "Its metadata in the file and at run time are the same bytes", "", Scope::kFile, answer<section_is_the_descriptor>},
    {"elf/schema_is_valid", "The host understands all of its schema", "", Scope::kPlugin, answer<schema_is_valid>},
};

}  // namespace

std::span<const Question> elf_questions() { return kElfQuestions; }

}  // namespace trainhost::conformance
