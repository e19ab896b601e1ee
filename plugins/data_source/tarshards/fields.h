// How members of a sample become fields: the key `fields`.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/plugin.hpp>

#include "images/images.h"

namespace trainhost::tarshards {

enum class FieldKind { kImage, kClass, kNumber, kBytes, kArray };

/// A line such as "image image jpg,jpeg,png", "label class json json=info.label classes=10" or "text bytes txt max_bytes=4096 role=target".
struct MemberField {
  FieldKind kind = FieldKind::kImage;
  std::vector<std::string> extensions;  // the first that a sample has is taken
  std::vector<std::string> json_path;   // a class or a number inside of JSON
  Field field;                          // as the host is told
};

/// `num_classes`: of fields of kind class that do not say it themselves; 0 = not stated. Throws PluginError(INVALID_ARGUMENT) with what was got and wanted.
MemberField parse_field(std::string_view line, int64_t num_classes, const images::ImageLoader& images);

/// A field of kind npy has the number format and shape of the first sample; `content` is that sample's. Other kinds stay as they are. Throws PluginError for
/// content that is no array, and for one that the field's line does not suit.
void settle(MemberField& field, std::span<const uint8_t> content);

/// What a decoding is for: one field of one sample of a read.
struct Target {
  uint64_t random_key, sample_index;
  uint32_t field_index;
};

/// Fills the field. Throws PluginError(DATA_LOSS) for content that is not what the kind says; the caller adds where it stands. [any]
void decode(const MemberField& field, std::span<const uint8_t> content, const Target& target, const images::ImageLoader& images, images::Workspace& workspace,
            BatchWriter& out);

}  // namespace trainhost::tarshards
