// The ELF reader, on sound files and on all kinds of damage.
#include "plugin/elf_section.h"

#include <elf.h>

#include <rapidcheck.h>

#include <cstring>

#include "plugin/plugin_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(elf_section_test)

namespace {

template <class T>
void patch(std::string& bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

std::optional<std::string> read(const std::filesystem::path& file) { return read_elf_section(file, ".trainhost.plugin"); }

}  // namespace

BOOST_AUTO_TEST_CASE(reads_the_section_of_a_plugin) { BOOST_TEST(read(zoo_file("good")).value().find("\"name\":\"good\"") != std::string::npos); }

BOOST_AUTO_TEST_CASE(a_library_without_the_section_is_no_error_here) { BOOST_TEST(!read(zoo_file("foreign")).has_value()); }

BOOST_AUTO_TEST_CASE(text_is_not_elf) {
  const TemporaryFolder folder;
  const auto file = folder.write("notes.so", "This is a text file, long enough to hold a header, but with words where the magic number should be.\n");
  expect_error(ExitCode::kPlugin, {"notes.so: is no ELF file", "trainhost_add_plugin"}, [&] { read(file); });
  expect_error(ExitCode::kPlugin, {"is no ELF file"}, [&] { read(folder.write("empty.so", "")); });
}

BOOST_AUTO_TEST_CASE(a_missing_file_and_a_folder_say_so) {
  const TemporaryFolder folder;
  expect_error(ExitCode::kPlugin, {"none.so: cannot be read: No such file", "check the path"}, [&] { read(folder.path() / "none.so"); });
  expect_error(ExitCode::kPlugin, {"is no regular file"}, [&] { read(folder.path()); });
}

BOOST_AUTO_TEST_CASE(every_truncation_is_noticed) {
  const TemporaryFolder folder;
  const std::string whole = read_file(zoo_file("good"));
  for (const size_t size : {size_t{5}, size_t{63}, size_t{64}, whole.size() / 2, whole.size() - 1})
    expect_error(ExitCode::kPlugin, {"cut.so: is truncated: it has ", "copy or build it again"}, [&] { read(folder.write("cut.so", whole.substr(0, size))); });
}

BOOST_AUTO_TEST_CASE(another_machine_is_named) {
  const TemporaryFolder folder;
  std::string bytes = read_file(zoo_file("good"));
  const auto own = *reinterpret_cast<const uint16_t*>(bytes.data() + offsetof(Elf64_Ehdr, e_machine));
  patch<uint16_t>(bytes, offsetof(Elf64_Ehdr, e_machine), own == EM_AARCH64 ? EM_X86_64 : EM_AARCH64);
  expect_error(ExitCode::kPlugin, {"arm.so: is built for ", "this machine is ", "AArch64", "x86-64", "build it for this machine"},
               [&] { read(folder.write("arm.so", bytes)); });
}

BOOST_AUTO_TEST_CASE(a_32_bit_library_and_a_program_are_refused) {
  const TemporaryFolder folder;
  std::string bytes = read_file(zoo_file("good"));
  patch<uint16_t>(bytes, offsetof(Elf64_Ehdr, e_type), ET_REL);
  expect_error(ExitCode::kPlugin, {"is no shared library"}, [&] { read(folder.write("object.so", bytes)); });
  bytes[EI_CLASS] = ELFCLASS32;
  expect_error(ExitCode::kPlugin, {"is a 32-bit library, this host is 64-bit"}, [&] { read(folder.write("small.so", bytes)); });
}

BOOST_AUTO_TEST_CASE(damage_anywhere_in_the_headers_is_an_error_or_harmless) {
  const TemporaryFolder folder;
  const std::string whole = read_file(zoo_file("good"));
  Elf64_Ehdr header{};
  std::memcpy(&header, whole.data(), sizeof header);
  const bool holds = rc::check("a damaged header never crashes the reader", [&] {
    std::string bytes = whole;
    for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
      const bool in_header = *rc::gen::arbitrary<bool>();
      const size_t at = in_header ? *rc::gen::inRange<size_t>(0, sizeof header) : *rc::gen::inRange<size_t>(header.e_shoff, whole.size());
      bytes[at] = *rc::gen::arbitrary<char>();
    }
    try {
      read(folder.write("damaged.so", bytes));
    } catch (const Error& error) {
      RC_ASSERT(error.code() == ExitCode::kPlugin);
    }
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
