/** Tests mirror the sources under test/. What is out of date is built before the first one runs. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.spec.ts"],
    globalSetup: ["test/lib/build.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
