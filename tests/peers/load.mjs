// Finds an installed peer. These scripts stay in the repository while `tests/run` installs their packages into a cache
// folder, and Node's own lookup for ES modules only looks beside the script.

import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = process.env.LODGE_TEST_NODE_MODULES

/** The package `name` from the folder that LODGE_TEST_NODE_MODULES names, or from beside this script. */
export async function load(name) {
  const from = folder ? path.join(path.resolve(folder), 'peers.js') : import.meta.filename
  const found = createRequire(from).resolve(name)
  return import(pathToFileURL(found).href)
}

/** Everything on standard input, as JSON. */
export async function readInput() {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}
