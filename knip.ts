import type { KnipConfig } from "knip";

const config: KnipConfig = {
  // What is started by name or path, and so imported by nothing.
  entry: [
    "scripts/*.{mjs,ts}",
    "src/{index,client,testkit}.ts",
    "src/cli/main.ts",
    "src/actors/isolation/{worker,process}/entry.ts",
    "src/supervisor/cradle/entry.ts",
    "src/runtime/{node-process,watch/watcher}.ts",
    "src/actors/{probe/entry,loader/native-import}.ts",
    "src/drill/behaviours/*.ts",
    "bench/*.ts",
    "test/**/*.test.ts",
    "test/chaos/{chaos,judge-process}.ts",
    "test/fuzz/{fuzz,worker}.ts",
    "test/**/{behaviours,fixtures}/**/*.{ts,mjs}",
    "deploy/examples/**/*.{ts,mjs}",
    "src/**/*.browser.ts",
    "test/browser/page/page.ts",
  ],
  project: ["{bin,scripts,src,bench,test,deploy}/**/*.{ts,mjs}"],
  // Made by buf: the wire's whole vocabulary, used or not.
  ignore: ["src/gen/**"],
  // What its own file uses is not dead; limits and types are exported to be read about, too.
  ignoreExportsUsedInFile: true,
  // The package's own command, as its users call it, and the system's.
  ignoreBinaries: ["cell0", "mkfifo"],
  // Started by buf.
  ignoreDependencies: ["@bufbuild/protoc-gen-es"],
};

export default config;
