// Finds an installed peer. These scripts stay in the repository while `tests/run` installs their packages into a cache
// folder, and Node's own lookup for ES modules only looks beside the script.

import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = process.env.LODGE_TEST_NODE_MODULES

/** Where a file of a package is, in the folder that LODGE_TEST_NODE_MODULES names or beside this script. */
export function resolve(name) {
  const from = folder ? path.join(path.resolve(folder), 'peers.js') : import.meta.filename
  return createRequire(from).resolve(name)
}

/** The package `name`. */
export async function load(name) {
  return import(pathToFileURL(resolve(name)).href)
}

/** Everything on standard input, as JSON. */
export async function readInput() {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}
