// Small file helpers whose failures are whole sentences.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace trainhost {

/// The whole file. Throws Error(code) naming the path and the reason.
std::string read_file(const std::filesystem::path& path, ExitCode code = ExitCode::kConfig);

/// Replaces `path` so that readers see the old or the new text, never a part: temporary sibling, fsync, rename, fsync of the folder. Throws Error(code).
void write_file_atomically(const std::filesystem::path& path, std::string_view text, ExitCode code = ExitCode::kConfig);

/// Creates the folder and its parents; proves that a file can be made in it. Throws Error(code).
void make_writable_folder(const std::filesystem::path& path, ExitCode code = ExitCode::kConfig);

/// Whether a word that may be a name or a path is a path: it begins with /, ./ or ../, or has a slash and ends with .so. A word without a slash is a name, so
/// that no name opens a file of the working folder by accident.
bool is_path_word(std::string_view word);

/// Whether a word is a URI, such as file:/data or s3://bucket.
bool has_uri_scheme(std::string_view word);

/// Folder of the running program, symbolic links resolved.
std::filesystem::path program_folder();

/// "3.2 MiB", for messages.
std::string human_bytes(double bytes);

}  // namespace trainhost
