// Runs a fuzz target without libFuzzer: over its corpus, and over random changes of it.
//
// So the targets are part of every `make check`, with any compiler. The changes are the same in
// each run; finding what nobody thought of is libFuzzer's work (./configure --enable-fuzzing).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kChangesOfEachFile = 2000;
constexpr std::size_t kLongest = 4096;

void run(const std::string& input) {
  // A copy of exactly this size, so that AddressSanitizer sees a read past its end.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  (void)LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

class Changer {
 public:
  std::string change(std::string text, const std::vector<std::string>& corpus) {
    for (std::size_t left = 1 + below(8); left > 0; --left) {
      const std::size_t at = below(text.size() + 1);
      const std::size_t length = std::min(below(16), text.size() - at);
      switch (below(5)) {
        case 0:  // delete
          text.erase(at, length);
          break;
        case 1:  // repeat
          text.insert(at, text.substr(at, length));
          break;
        case 2:  // any byte
          text.insert(at, 1, static_cast<char>(below(256)));
          break;
        case 3:  // a byte that the text has already: most likely one that means something
          if (!text.empty()) text.insert(at, 1, text[below(text.size())]);
          break;
        default: {  // a piece of another file
          const std::string& other = corpus[below(corpus.size())];
          text.insert(at, other.substr(below(other.size() + 1), below(64)));
        }
      }
    }
    return text.substr(0, kLongest);
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  std::mt19937 random_{20260101};
};

std::vector<std::string> read_corpus(const char* folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return corpus;
}

}  // namespace

int main(int count, char** arguments) {
  const char* folder = count > 1 ? arguments[1] : IMPULSE_CORPUS;
  const std::vector<std::string> corpus = read_corpus(folder);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: no corpus: must be a folder with at least one file\n", folder);
    return 1;
  }
  run("");
  Changer changer;
  for (const std::string& input : corpus) {
    run(input);
    for (int i = 0; i < kChangesOfEachFile; ++i) run(changer.change(input, corpus));
  }
  return 0;
}
