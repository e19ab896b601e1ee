// Names of objects that the host may ask for.
#pragma once
#include <string_view>

namespace s3ckpt {

/// Whether the key is one that <trainhost/checkpoint_backend.h> allows.
bool is_key_valid(std::string_view key);
/// Throws INVALID_ARGUMENT where it is none.
void require_valid(std::string_view key);

}  // namespace s3ckpt
