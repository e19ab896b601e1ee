// Names what is not read, since a wrong extension is common.
#include "images/format.h"

#include <string_view>

#include <trainhost/plugin.hpp>

namespace trainhost::images {
namespace {

using namespace std::string_view_literals;

// What people have in place of a JPEG or PNG file.
constexpr std::pair<std::string_view, std::string_view> kOthers[] = {
    {"GIF8"sv, "a GIF file"},         {"BM"sv, "a BMP file"},           {"II*\0"sv, "a TIFF file"},      {"MM\0*"sv, "a TIFF file"},
    {"\0\0\1\0"sv, "an icon"},        {"\x93NUMPY"sv, "a numpy array"}, {"<"sv, "HTML, SVG or XML"},     {"{"sv, "JSON"},
    {"version https://git-lfs"sv, "a pointer of Git LFS, not the file itself"}};

std::string kind_of(std::string_view bytes) {
  if (bytes.empty()) return "the file is empty";
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "it is a WebP file";
  if (bytes.size() >= 8 && bytes.substr(4, 4) == "ftyp") return "it is a HEIF, AVIF or MP4 file";
  for (const auto& [start, name] : kOthers)
    if (bytes.starts_with(start)) return format("it is {}", name);
  std::string hex;
  for (const char byte : bytes.substr(0, 8)) hex += format("{}{:02x}", hex.empty() ? "" : " ", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  return format("it begins with the bytes {}", hex);
}

}  // namespace

FileFormat recognised(std::span<const uint8_t> file) {
  const std::string_view bytes(reinterpret_cast<const char*>(file.data()), file.size());
  if (bytes.starts_with("\xff\xd8\xff"sv)) return FileFormat::kJpeg;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return FileFormat::kPng;
  throw PluginError(TRAINHOST_DATA_LOSS, format("no JPEG or PNG image: {}; convert it, or leave it out", kind_of(bytes)));
}

}  // namespace trainhost::images
