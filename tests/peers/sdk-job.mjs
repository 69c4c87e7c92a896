// The JavaScript SDK, as a script that runs for hours: for each line that it reads it asks STS who it is, with one client,
// and says how often it has. Its one argument is the provider of credentials: `fromProcess` or `fromHttp`.

import { createInterface } from 'node:readline'

import { load } from './load.mjs'

const providers = await load('@aws-sdk/credential-providers')
const { GetCallerIdentityCommand, STSClient } = await load('@aws-sdk/client-sts')

const client = new STSClient({ credentials: providers[process.argv[2]]() })
let number = 0
for await (const _ of createInterface({ input: process.stdin })) {
  await client.send(new GetCallerIdentityCommand({}))
  number += 1
  console.log(`done ${number}.`)
}
