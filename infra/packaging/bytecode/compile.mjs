// node compile.mjs PYODIDE FOLDER MOUNT: compiles each .py below FOLDER, which the functions will see as MOUNT.
// Prints a JSON list of the files that are not Python 3.14.
import { pathToFileURL } from "node:url";

// Without this Node would print the line of the error, and Pyodide is a line of a megabyte.
process.on("uncaughtException", (error) => {
  console.error(`Error: ${error.message}`);
  process.exit(1);
});

const [pyodide, folder, mount] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(pyodide).href);
// Sets are written in the order of their hashes: the same source has to give the same bytes each time.
const python = await loadPyodide({ env: { PYTHONHASHSEED: "0", HOME: "/" } });
python.FS.mkdirTree(mount);
python.mountNodeFS(mount, folder);
python.globals.set("mount", mount);
const refused = python.runPython(`
import json
from pathlib import Path
from py_compile import PycInvalidationMode, PyCompileError, compile

# Unchecked: nothing on Lambda can write there, and a time stamp would not survive the upload.
refused = []
for file in sorted(Path(mount).rglob("*.py")):
    try:
        compile(str(file), doraise=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    except PyCompileError:
        refused.append(str(file))
json.dumps(refused)
`);
console.log(refused);
