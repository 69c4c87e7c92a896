// Asks the independent evaluator of iam-simulate.mjs about single requests, each with a resource and condition keys.
//
// Reads on standard input
//   { "account": "111122223333", "identity": {…}, "requests": [{ "action": "iam:GetRole", "resource": "arn:…",
//     "context": { "iam:PermissionsBoundary": "arn:…" } }, …] }
// and prints
//   { "verdicts": ["allow" | "deny", …] }
//
// What the evaluator does not accept ends this program with status 1 and its reason: an error is never a "deny".

import { load, readInput } from './load.mjs'

const { runSimulation } = await load('@cloud-copilot/iam-simulate')

const { account, identity, requests } = await readInput()
const principal = `arn:aws:sts::${account}:assumed-role/lodge-steward/st-0123456789abcdef`
const verdicts = []
for (const { action, resource, context } of requests) {
  const answer = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
      identityPolicies: [{ name: 'steward', policy: identity }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  )
  if (answer.resultType === 'error') throw new Error(`${action} on ${resource}: ${JSON.stringify(answer.errors)}`)
  verdicts.push(answer.overallResult === 'Allowed' ? 'allow' : 'deny')
}
console.log(JSON.stringify({ verdicts }))
