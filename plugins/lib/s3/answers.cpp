// Read and written with pugixml; the only includer of it.
#include "s3/answers.h"

#include <pugixml.hpp>

#include <sstream>

#include "s3/text.h"

namespace trainhost::s3 {
namespace {

/// The root element; a null node unless the document is whole and the root has this name.
pugi::xml_node root_of(pugi::xml_document& document, std::string_view xml, const char* name) {
  if (!document.load_buffer(xml.data(), xml.size())) return {};
  return document.child(name);
}

/// Each page says whether another one follows.
bool is_truncated(const pugi::xml_node& page) { return std::string_view(page.child_value("IsTruncated")) == "true"; }

}  // namespace

std::optional<ErrorAnswer> read_error(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node error = root_of(document, xml, "Error");
  if (!error) return std::nullopt;
  return ErrorAnswer{error.child_value("Code"), error.child_value("Message"), error.child_value("Region")};
}

std::string read_child(std::string_view xml, const char* root, const char* child) {
  pugi::xml_document document;
  return root_of(document, xml, root).child_value(child);
}

std::optional<ListPage> read_object_list(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node page = root_of(document, xml, "ListBucketResult");
  if (!page) return std::nullopt;
  ListPage result;
  const bool is_encoded = std::string_view(page.child_value("EncodingType")) == "url";  // some servers ignore the wish
  for (const pugi::xml_node& object : page.children("Contents")) {
    const std::string key = object.child_value("Key");
    result.objects.push_back({is_encoded ? percent_decode(key) : key, object.child("Size").text().as_ullong(), parse_date(object.child_value("LastModified")), object.child_value("ETag")});
  }
  if (is_truncated(page)) result.next = page.child_value("NextContinuationToken");
  return result;
}

std::optional<UploadPage> read_upload_list(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node page = root_of(document, xml, "ListMultipartUploadsResult");
  if (!page) return std::nullopt;
  UploadPage result;
  for (const pugi::xml_node& upload : page.children("Upload"))
    result.uploads.push_back({upload.child_value("Key"), upload.child_value("UploadId"), parse_date(upload.child_value("Initiated"))});
  if (is_truncated(page)) result.next_key = page.child_value("NextKeyMarker"), result.next_id = page.child_value("NextUploadIdMarker");
  return result;
}

std::string write_part_list(const std::vector<StoredPart>& parts) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("CompleteMultipartUpload");
  root.append_attribute("xmlns") = "http://s3.amazonaws.com/doc/2006-03-01/";
  for (const StoredPart& part : parts) {
    pugi::xml_node node = root.append_child("Part");
    node.append_child("PartNumber").text() = part.number;
    node.append_child("ETag").text() = part.etag.c_str();
    if (!part.crc32c.empty()) node.append_child("ChecksumCRC32C").text() = part.crc32c.c_str();
  }
  std::ostringstream out;
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration);
  return out.str();
}

}  // namespace trainhost::s3
