// What S3 says in XML.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trainhost::s3 {

struct ErrorAnswer {
  std::string code, message, region;
};
/// Nothing when the text is no <Error> document.
std::optional<ErrorAnswer> read_error(std::string_view xml);

/// The text of a child of the root element: the upload id of a new multipart upload. Empty when the root or the child is another.
std::string read_child(std::string_view xml, const char* root, const char* child);

struct ListedObject {
  std::string key;
  uint64_t size = 0;
  int64_t modified_unix_seconds = 0;
  std::string etag = {};  // with its quotes; empty where the store does not say it
};
struct ListPage {
  std::vector<ListedObject> objects;
  std::string next;  // empty: this was the last page
};
/// Of ListObjectsV2 with encoding-type=url. Nothing when it is no whole listing.
std::optional<ListPage> read_object_list(std::string_view xml);

struct ListedUpload {
  std::string key, id;
  int64_t initiated_unix_seconds = 0;
};
struct UploadPage {
  std::vector<ListedUpload> uploads;
  std::string next_key, next_id;  // both empty: this was the last page
};
std::optional<UploadPage> read_upload_list(std::string_view xml);

struct StoredPart {
  unsigned number = 0;
  std::string etag, crc32c;  // crc32c: as in the header; empty = not stored with it
};
/// The body of CompleteMultipartUpload.
std::string write_part_list(const std::vector<StoredPart>& parts);

}  // namespace trainhost::s3
