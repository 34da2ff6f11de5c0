/*
 * Constructors and destructors of modules. Each module's frames are registered before its constructors run, so that these may throw; what
 * registering answered is told behind them, as it has always been.
 */
#include "cxx.h"

static void call_all(void (**functions)(void), u64 bytes) {
  if (functions == nullptr) return;
  for (u64 i = 0; i < bytes / sizeof *functions && functions[i] != nullptr; i++) functions[i]();
}

static u64 failure(const char *where) {
  exception_text text = {"", ""};
  describe_caught(&text);
  printf("exception of type %s in %s: %s\n", text.type, where, text.what);
  return CRT_FAILURE;
}

extern "C" u64 local_init(section_info *info) {
  if (info == nullptr) return CRT_FAILURE;
  u64 registered = register_eh_frame(info->eh_frame, info->eh_frame_bytes);
  try {
    if (info->init != nullptr) info->init();
    call_all(info->init_array, info->init_array_bytes);
  } catch (...) {
    return failure("a constructor");
  }
  return registered;
}

extern "C" u64 local_fini(section_info *info) {
  if (info == nullptr) return CRT_FAILURE;
  try {
    // modules go together or not at all
    run_exit_functions();
    call_all(info->fini_array, info->fini_array_bytes);
    if (info->fini != nullptr) info->fini();
  } catch (...) {
    return failure("a destructor");
  }
  return SUCCESS;
}
