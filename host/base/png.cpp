// The program links no image library: what a PNG file needs beside its pixels is zlib's format and a checksum, which isa-l has.
#include "base/png.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include "base/error.h"

namespace trainhost {
namespace {

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string png_chunk(const std::string& type, const std::string& content) {
  std::string body = type + content;
  const uint32_t checksum = crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(body.data()), body.size());
  return big_endian(static_cast<uint32_t>(content.size())) + body + big_endian(checksum);
}

std::string zlib_stream(std::string& content) {
  std::string out(content.size() + content.size() / 8 + 1024, '\0');
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_ZLIB;
  stream.end_of_stream = 1;
  stream.next_in = reinterpret_cast<uint8_t*>(content.data()), stream.avail_in = static_cast<uint32_t>(content.size());
  stream.next_out = reinterpret_cast<uint8_t*>(out.data()), stream.avail_out = static_cast<uint32_t>(out.size());
  if (isal_deflate_stateless(&stream) != COMP_OK) throw Error(ExitCode::kFailure, "PNG: the pixels could not be compressed; this is a mistake of trainhost");
  out.resize(stream.total_out);
  return out;
}

}  // namespace

std::string png_image(uint32_t width, uint32_t height, std::string_view rgb) {
  const size_t row_bytes = size_t{width} * 3;
  std::string rows;
  for (uint32_t row = 0; row < height; ++row) (rows += '\0').append(rgb.substr(row * row_bytes, row_bytes));  // the byte before a row: it is not filtered
  const std::string header = big_endian(width) + big_endian(height) + std::string("\x08\x02\0\0\0", 5);      // 8 bits, RGB
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) + png_chunk("IDAT", zlib_stream(rows)) + png_chunk("IEND", "");
}

}  // namespace trainhost
