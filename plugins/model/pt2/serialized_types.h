// Enumerations of the serialised program (torch/_export/serde/schema.py, version 8), which are not those of LibTorch.
#pragma once

#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

#include <nlohmann/json.hpp>

namespace pt2 {

using Json = nlohmann::json;

// Of a tagged union, {"as_tensor": {...}}. Borrowed from the document.
struct Tagged {
  const std::string& tag;
  const Json& value;
};
Tagged tagged(const Json& value);

// Throws PluginError for a number that version 8 does not have.
at::ScalarType scalar_type_of(const Json& value);
at::MemoryFormat memory_format_of(const Json& value);
at::Layout layout_of(const Json& value);

// Numbers that JSON cannot hold are strings.
double real_of(const Json& value);

}  // namespace pt2
