// Header, segments, dynamic symbols and the dynamic section; every offset is held against the size of the file.
#include "conformance/elf_file.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace trainhost::conformance {

template <class T>
std::vector<T> ElfFile::array(std::uint64_t offset, std::uint64_t size) const {
  if (offset > bytes_.size() || size > bytes_.size() - offset) throw std::runtime_error("the file is truncated; copy or build it again");
  std::vector<T> out(size / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size() * sizeof(T));
  return out;
}

std::string ElfFile::text(const Elf64_Shdr& strings, std::uint64_t at) const {
  const std::vector<char> table = array<char>(strings.sh_offset, strings.sh_size);
  if (at >= table.size()) throw std::runtime_error("a name lies outside of its table; the file is damaged, build it again");
  return {table.data() + at, strnlen(table.data() + at, table.size() - at)};
}

ElfFile::ElfFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  bytes_.assign(std::istreambuf_iterator<char>(in), {});
  const Elf64_Ehdr header = array<Elf64_Ehdr>(0, sizeof(Elf64_Ehdr)).front();
  segments_ = array<Elf64_Phdr>(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr));
  const auto sections = array<Elf64_Shdr>(header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr));
  for (const Elf64_Shdr& section : sections) {
    if ((section.sh_type != SHT_DYNSYM && section.sh_type != SHT_DYNAMIC) || section.sh_link >= sections.size()) continue;
    section.sh_type == SHT_DYNSYM ? read_symbols(section, sections[section.sh_link]) : read_dynamic(section, sections[section.sh_link]);
  }
}

void ElfFile::read_symbols(const Elf64_Shdr& table, const Elf64_Shdr& strings) {
  for (const Elf64_Sym& symbol : array<Elf64_Sym>(table.sh_offset, table.sh_size)) {
    const bool is_version = symbol.st_shndx == SHN_ABS;  // the name of a version of the version script
    if (symbol.st_name == 0 || is_version || ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) continue;
    symbols_.push_back({text(strings, symbol.st_name), ELF64_ST_BIND(symbol.st_info), symbol.st_shndx != SHN_UNDEF});
  }
}

void ElfFile::read_dynamic(const Elf64_Shdr& table, const Elf64_Shdr& strings) {
  dynamic_ = array<Elf64_Dyn>(table.sh_offset, table.sh_size);
  for (const Elf64_Dyn& entry : dynamic_)
    if (entry.d_tag == DT_NEEDED) needed_.push_back(text(strings, entry.d_un.d_val));
}

}  // namespace trainhost::conformance
