/*
 * What a C++ function does with an exception that comes through it, from the table the compiler has made. Itanium C++ ABI "Exception
 * Handling", LSDA as GCC writes it:
 *
 *     landing-pad base encoding, base · type encoding, distance to the types' end · call-site encoding, bytes
 *     call sites: start, length, landing pad (0: none), action (0: clean up) · actions: filter, distance to the next · types, downwards
 */
#include "cxx.h"

struct site {
  u64 landing_pad;
  /* 0: clean up */
  const u8 *action;
};

struct table {
  u64 pad_base;
  u8 type_encoding;
  const u8 *types;
  u8 site_encoding;
  const u8 *sites;
  const u8 *actions;
};

enum { NONE, CLEANUP, HANDLER, TERMINATE };

static void read_table(const u8 *at, struct _Unwind_Context *c, struct table *t) {
  u8 encoding = *at++;
  t->pad_base = encoding == PE_OMIT ? _Unwind_GetRegionStart(c) : read_encoded(&at, encoding);
  t->type_encoding = *at++;
  t->types = NULL;
  if (t->type_encoding != PE_OMIT) {
    u64 distance = read_uleb(&at);
    t->types = at + distance;
  }
  t->site_encoding = *at++;
  u64 bytes = read_uleb(&at);
  t->sites = at;
  t->actions = at + bytes;
}

/* The call site of the frame's address; 0 if there is none: the function must not throw there. */
static int find_site(const struct table *t, struct _Unwind_Context *c, struct site *found) {
  int before;
  u64 rip = _Unwind_GetIPInfo(c, &before);
  u64 offset = rip - (before ? 0 : 1) - _Unwind_GetRegionStart(c);
  for (const u8 *at = t->sites; at < t->actions;) {
    u64 start = read_encoded(&at, t->site_encoding);
    u64 length = read_encoded(&at, t->site_encoding);
    u64 pad = read_encoded(&at, t->site_encoding);
    u64 action = read_uleb(&at);
    if (offset < start) return 0;
    if (offset >= start + length) continue;
    found->landing_pad = pad == 0 ? 0 : t->pad_base + pad;
    found->action = action == 0 ? NULL : t->actions + action - 1;
    return 1;
  }
  return 0;
}

static struct type_info *type_at(const struct table *t, u64 index) {
  const u8 *at = t->types - index * encoded_size(t->type_encoding);
  return (struct type_info *)read_encoded(&at, t->type_encoding);
}

/* An exception specification: whether the type is one of those that may leave. */
static int is_allowed(const struct table *t, s64 filter, struct type_info *thrown, void *object) {
  for (const u8 *at = t->types - filter - 1;;) {
    u64 index = read_uleb(&at);
    if (index == 0) return 0;
    void *adjusted = object;
    if (thrown != NULL && type_catches(type_at(t, index), thrown, &adjusted)) return 1;
  }
}

/* What the frame does, and for a handler which one: its switch value, and the object as it wants it. */
static int decide(const struct table *t, const struct site *site, struct type_info *thrown, void **object, s64 *switch_value) {
  if (site->landing_pad == 0) return NONE;
  *switch_value = 0;
  if (site->action == NULL) return CLEANUP;
  int cleans = 0;
  for (const u8 *at = site->action;;) {
    s64 filter = read_sleb(&at);
    const u8 *link = at;
    s64 next = read_sleb(&at);
    if (filter == 0) cleans = 1;
    else if (filter > 0) {
      struct type_info *wanted = type_at(t, (u64)filter);
      if (wanted == NULL || (thrown != NULL && type_catches(wanted, thrown, object))) {
        *switch_value = filter;
        return HANDLER;
      }
    } else if (!is_allowed(t, filter, thrown, *object)) {
      *switch_value = filter;
      return HANDLER;
    }
    if (next == 0) return cleans ? CLEANUP : NONE;
    at = link + next;
  }
}

enum reason __gxx_personality_v0(int version, enum action actions, u64 exception_class, struct _Unwind_Exception *e,
                                 struct _Unwind_Context *c) {
  if (version != 1) return FATAL_PHASE1_ERROR;
  const u8 *lsda = _Unwind_GetLanguageSpecificData(c);
  if (lsda == NULL) return CONTINUE_UNWIND;
  struct cxa_exception *x = exception_class == CXX_CLASS ? exception_of(e) : NULL;
  struct table t;
  struct site site;
  s64 switch_value = 0;
  int what;

  if (actions == (CLEANUP_PHASE | HANDLER_FRAME) && x != NULL) {
    site.landing_pad = x->landing_pad;
    switch_value = x->switch_value;
  } else {
    read_table(lsda, c, &t);
    void *object = x == NULL ? NULL : x->object;
    what = find_site(&t, c, &site) ? decide(&t, &site, x == NULL ? NULL : x->type, &object, &switch_value) : TERMINATE;
    if (what == NONE) return CONTINUE_UNWIND;
    if ((actions & SEARCH_PHASE) != 0) {
      if (what == CLEANUP) return CONTINUE_UNWIND;
      /* found now, so that what was thrown from still stands on the stack */
      if (what == TERMINATE) terminate_for(e);
      if (x != NULL) {
        x->landing_pad = site.landing_pad;
        x->switch_value = switch_value;
        x->adjusted = object;
      }
      return HANDLER_FOUND;
    }
    if (what == TERMINATE) terminate_for(e);
    if ((actions & HANDLER_FRAME) == 0) switch_value = 0;
  }
  _Unwind_SetGR(c, DWARF_RAX, (u64)e);
  _Unwind_SetGR(c, DWARF_RDX, (u64)switch_value);
  _Unwind_SetIP(c, site.landing_pad);
  return INSTALL_CONTEXT;
}
