// export.js OUT TARGET: writes TARGET/NAME.json with the ABI and bytecode of every contract that forge built
// from src/ into OUT and that can be deployed (interfaces, abstract contracts and internal libraries cannot).
"use strict";
const fs = require("fs");
const path = require("path");

const [out, target] = process.argv.slice(2);
const deployable = fs
  .readdirSync(out, { recursive: true })
  .filter((file) => file.endsWith(".json") && !file.includes("build-info"))
  .map((file) => [path.basename(file, ".json"), JSON.parse(fs.readFileSync(path.join(out, file), "utf8"))])
  .filter(([, built]) => built.abi?.some((item) => item.type === "function") && built.bytecode?.object?.length > 2)
  .filter(([, built]) => isOwnSource(built));

function isOwnSource(built) {
  const sources = Object.keys(built.metadata?.settings?.compilationTarget ?? {});
  return sources.some((source) => source.startsWith("src/"));
}

for (const [name, built] of deployable) {
  const { abi, bytecode, deployedBytecode } = built;
  const artifact = { contractName: name, abi, bytecode: bytecode.object };
  if (Object.keys(bytecode.linkReferences ?? {}).length > 0) artifact.linkReferences = bytecode.linkReferences;
  // What a chain's genesis has: no constructor was run.
  if (name.startsWith("L3")) artifact.deployedBytecode = deployedBytecode.object;
  fs.writeFileSync(path.join(target, `${name}.json`), JSON.stringify(artifact, null, 1) + "\n");
}
if (deployable.length === 0) {
  console.error(`export.js: no contract found in ${out}`);
  process.exit(1);
}
