// A bounds-checked walk: header, section table, names, the one section. No library: libelf would be a dependency for 100 lines, and its errors name no remedy.
#include "plugin/elf_section.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace trainhost {
namespace {

constexpr uint64_t kMaxNames = uint64_t{16} << 20;    // of the table of section names
constexpr uint64_t kMaxSection = uint64_t{16} << 20;  // of the section itself

#if defined(__x86_64__)
constexpr uint16_t kThisMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kThisMachine = EM_AARCH64;
#endif

std::string machine_name(uint16_t machine) {
  switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_AARCH64: return "AArch64";
    case EM_386: return "x86";
    case EM_ARM: return "ARM";
    case EM_PPC64: return "PowerPC64";
    case EM_RISCV: return "RISC-V";
    case EM_S390: return "S/390";
    default: return format("machine {}", machine);
  }
}

// An open file that can only be read inside of its bounds.
class ElfFile {
 public:
  explicit ElfFile(const std::filesystem::path& path) : path_(path), handle_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat facts {};
    if (handle_ < 0 || ::fstat(handle_, &facts) != 0) {
      const int error = errno;
      close();
      fail(format("cannot be read: {}; check the path and its permissions", std::strerror(error)));
    }
    if (S_ISREG(facts.st_mode)) {
      size_ = static_cast<uint64_t>(facts.st_size);
      return;
    }
    close();
    fail("is no regular file; give the path of a plugin file (.so)");
  }
  ~ElfFile() { close(); }
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;

  uint64_t size() const { return size_; }

  [[noreturn]] void fail(const std::string& complaint) const { throw Error(ExitCode::kPlugin, format("{}: {}", path_.string(), complaint)); }

  [[noreturn]] void fail_truncated(uint64_t wanted) const {
    fail(format("is truncated: it has {} bytes, its headers speak of {}; copy or build it again", size_, wanted));
  }

  void read(uint64_t offset, void* out, uint64_t bytes) const {
    if (offset > size_ || bytes > size_ - offset) fail_truncated(bytes > UINT64_MAX - offset ? UINT64_MAX : offset + bytes);
    char* place = static_cast<char*>(out);
    while (bytes > 0) {
      const ssize_t got = ::pread(handle_, place, bytes, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(format("cannot be read: {}; check the disk", std::strerror(errno)));
      if (got == 0) fail_truncated(offset + bytes);  // it shrank meanwhile
      place += got, offset += static_cast<uint64_t>(got), bytes -= static_cast<uint64_t>(got);
    }
  }

 private:
  void close() {
    if (handle_ >= 0) ::close(handle_);
    handle_ = -1;
  }

  const std::filesystem::path& path_;
  int handle_;
  uint64_t size_ = 0;
};

Elf64_Ehdr read_header(const ElfFile& file) {
  Elf64_Ehdr header{};
  if (file.size() < SELFMAG) file.fail("is no ELF file; give the path of a plugin file (.so)");
  file.read(0, header.e_ident, SELFMAG);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    file.fail("is no ELF file (it does not begin with \\x7fELF); a plugin file is a shared library: build it with trainhost_add_plugin()");
  if (file.size() < sizeof header) file.fail_truncated(sizeof header);
  file.read(0, &header, sizeof header);
  if (header.e_ident[EI_CLASS] == ELFCLASS32) file.fail("is a 32-bit library, this host is 64-bit; build it for 64 bits");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
    file.fail(format("has ELF class {} and byte order {}, this host reads 64-bit little-endian; build it on this kind of machine", header.e_ident[EI_CLASS],
                     header.e_ident[EI_DATA]));
  if (header.e_machine != kThisMachine)
    file.fail(format("is built for {}, this machine is {}; build it for this machine", machine_name(header.e_machine), machine_name(kThisMachine)));
  if (header.e_type != ET_DYN) file.fail(format("is no shared library (ELF type {}, wanted {}); link it with -shared", header.e_type, ET_DYN));
  return header;
}

std::vector<Elf64_Shdr> read_section_table(const ElfFile& file, const Elf64_Ehdr& header) {
  if (header.e_shoff == 0 || header.e_shnum == 0) return {};
  if (header.e_shentsize != sizeof(Elf64_Shdr))
    file.fail(format("has section headers of {} bytes, wanted {}; the file is damaged, build it again", header.e_shentsize, sizeof(Elf64_Shdr)));
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  file.read(header.e_shoff, sections.data(), sections.size() * sizeof(Elf64_Shdr));
  return sections;
}

std::string read_bytes(const ElfFile& file, const Elf64_Shdr& section, uint64_t limit, const char* what) {
  if (section.sh_type == SHT_NOBITS || (section.sh_flags & SHF_COMPRESSED) != 0)
    file.fail(format("holds no plain bytes in {}; build it again without compressed sections", what));
  if (section.sh_size > limit) {
    if (section.sh_size > file.size()) file.fail_truncated(section.sh_offset + section.sh_size);
    file.fail(format("has {} bytes in {}, at most {} are allowed; the file is damaged, build it again", section.sh_size, what, limit));
  }
  std::string bytes(section.sh_size, '\0');
  file.read(section.sh_offset, bytes.data(), bytes.size());
  return bytes;
}

}  // namespace

std::optional<std::string> read_elf_section(const std::filesystem::path& path, std::string_view wanted) {
  const ElfFile file(path);
  const Elf64_Ehdr header = read_header(file);
  const std::vector<Elf64_Shdr> sections = read_section_table(file, header);
  if (sections.empty()) return std::nullopt;
  if (header.e_shstrndx >= sections.size())
    file.fail(format("keeps its section names in section {} of {}; the file is damaged, build it again", header.e_shstrndx, sections.size()));
  const std::string names = read_bytes(file, sections[header.e_shstrndx], kMaxNames, "its section names");
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_name >= names.size()) continue;
    const std::string_view rest = std::string_view(names).substr(section.sh_name);
    if (rest.substr(0, rest.find('\0')) != wanted) continue;
    return read_bytes(file, section, kMaxSection, "its plugin section");
  }
  return std::nullopt;
}

}  // namespace trainhost
