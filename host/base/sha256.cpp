// OpenSSL's functions for this one digest, linked in: its EVP interface brings all of libcrypto, which is measured in milliseconds of every start.
#include "base/sha256.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace trainhost {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 18;

std::string finish(SHA256_CTX& context) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256_Final(digest.data(), &context);
  std::string text;
  for (const unsigned char byte : digest) text += format("{:02x}", byte);
  return text;
}

// Closes itself.
struct File {
  explicit File(const std::filesystem::path& path) : handle(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (handle >= 0) ::close(handle);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int handle;
};

}  // namespace

std::string sha256(std::string_view bytes) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  return finish(context);
}

std::string sha256_of_file(const std::filesystem::path& path, ExitCode code) {
  const File file(path);
  const auto fail = [&] { throw Error(code, format("{}: cannot be read: {}", path.string(), std::strerror(errno))); };
  if (file.handle < 0) fail();
  SHA256_CTX context;
  SHA256_Init(&context);
  std::vector<char> chunk(kChunkBytes);
  for (;;) {
    const ssize_t got = ::read(file.handle, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail();
    if (got == 0) return finish(context);
    SHA256_Update(&context, chunk.data(), static_cast<size_t>(got));
  }
}

}  // namespace trainhost
