/* A ray-marched torus over a chequered floor, in characters: single-precision SSE arithmetic and square roots. */
#include "system.h"

enum { COLUMNS = 76, ROWS = 22, STEPS = 80 };
typedef struct { float x, y, z; } vector;

static float root(float x) {
  __asm__("sqrtss %0, %0" : "+x"(x));
  return x;
}
static float dot(vector a, vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static vector along(vector from, vector direction, float t) {
  return (vector){from.x + direction.x * t, from.y + direction.y * t, from.z + direction.z * t};
}
static vector unit(vector v) { return along((vector){0, 0, 0}, v, 1 / root(dot(v, v))); }

/* distance to a torus of radii 1 and 0.42, leaning by an angle with sine 0.6 and cosine 0.8 */
static float torus(vector p) {
  float y = 0.8f * p.y - 0.6f * p.z, z = 0.6f * p.y + 0.8f * p.z;
  float ring = root(p.x * p.x + z * z) - 1;
  return root(ring * ring + y * y) - 0.42f;
}

static float floor_distance(vector p) { return p.y + 1.25f; }

static float scene(vector p) {
  float a = torus(p), b = floor_distance(p);
  return a < b ? a : b;
}

static vector normal(vector p) {
  const float e = 0.001f;
  float d = torus(p);
  float x = torus((vector){p.x + e, p.y, p.z}), y = torus((vector){p.x, p.y + e, p.z}), z = torus((vector){p.x, p.y, p.z + e});
  return unit((vector){x - d, y - d, z - d});
}

/* how far a ray goes before it hits something; more than 20 if it does not */
static float march(vector from, vector direction) {
  float t = 0.02f;
  for (int i = 0; i < STEPS && t < 20; i++) {
    float d = scene(along(from, direction, t));
    if (d < 0.001f) break;
    t += d;
  }
  return t;
}

/* brightness 0 to 1 */
static float shade(vector eye, vector ray) {
  const vector light = unit((vector){-0.6f, 0.9f, -0.5f});
  float t = march(eye, ray);
  if (t >= 20) return 0;
  vector p = along(eye, ray, t);
  int lit = march(along(p, light, 0.02f), light) >= 20;
  if (torus(p) < 0.01f) {
    float diffuse = dot(normal(p), light);
    return 0.25f + (lit && diffuse > 0 ? 0.75f * diffuse : 0);
  }
  int chequer = ((int)(p.x + 100) ^ (int)(p.z + 100)) & 1;
  float far = 1 / (1 + t * t * 0.03f);
  return (chequer ? 0.75f : 0.35f) * far * (lit ? 1 : 0.35f);
}

int main(const char *arguments) {
  (void)arguments;
  static const char ink[] = " .,:;-=+ox%X#@";
  const vector eye = {0, 0.9f, -3.6f};
  for (int row = 0; row < ROWS; row++) {
    char text[COLUMNS + 2];
    for (int column = 0; column < COLUMNS; column++) {
      float x = (column + 0.5f - COLUMNS / 2) * (2.2f / COLUMNS), y = (ROWS / 2 - row - 0.5f) * (1.35f / ROWS) - 0.5f;
      float brightness = shade(eye, unit((vector){x, y, 1.25f}));
      text[column] = ink[(int)(brightness * (sizeof ink - 2) + 0.5f)];
    }
    text[COLUMNS] = '\n';
    text[COLUMNS + 1] = 0;
    write(text);
  }
  return 0;
}
