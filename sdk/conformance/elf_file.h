// The parts of a plugin file that the questions look at. The host has checked the header and the section with the metadata before.
#pragma once

#include <elf.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trainhost::conformance {

class ElfFile {
 public:
  struct Symbol {
    std::string name;
    unsigned binding = 0;
    bool is_defined = false;
  };

  // Throws std::runtime_error for a file that is no whole ELF file.
  explicit ElfFile(const std::filesystem::path& path);

  const std::vector<Elf64_Phdr>& segments() const { return segments_; }
  const std::vector<Symbol>& symbols() const { return symbols_; }  // of the dynamic linker
  const std::vector<Elf64_Dyn>& dynamic() const { return dynamic_; }
  const std::vector<std::string>& needed() const { return needed_; }  // shared libraries

 private:
  template <class T>
  std::vector<T> array(std::uint64_t offset, std::uint64_t bytes) const;
  std::string text(const Elf64_Shdr& strings, std::uint64_t at) const;
  void read_symbols(const Elf64_Shdr& table, const Elf64_Shdr& strings);
  void read_dynamic(const Elf64_Shdr& table, const Elf64_Shdr& strings);

  std::string bytes_;
  std::vector<Elf64_Phdr> segments_;
  std::vector<Symbol> symbols_;
  std::vector<Elf64_Dyn> dynamic_;
  std::vector<std::string> needed_;
};

}  // namespace trainhost::conformance
