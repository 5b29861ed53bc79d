// Secret: text that wipes itself and does not print.
#pragma once

#include <string>
#include <string_view>

namespace impulse::aaa {

/// A password or key. Moves; copies only by clone(). One at a time.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : text_(text) {}
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = std::move(other.text_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }
  Secret clone() const { return Secret(text_); }

  /// For the one call that needs it; do not keep the view.
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  void wipe() noexcept {
    volatile char* at = text_.data();
    for (std::size_t i = 0; i < text_.capacity(); ++i) at[i] = 0;
    text_.clear();
  }
  std::string text_;
};

}  // namespace impulse::aaa
