// A second, independent opinion on what one principal may ask for, request by request:
// https://www.npmjs.com/package/@cloud-copilot/iam-simulate. Its licence is AGPL-3.0, so it runs as a program of its own,
// at test time only.
//
// Reads on standard input
//   { "principal": "arn:…", "policy": {…}, "trust": {…}, "requests": [{ "action": "svc:Do", "resource": "arn:…", "account": "…",
//     "context": { "svc:Key": "value" } }, …] }
// and prints
//   { "verdicts": ["allow" | "deny", …] }
//
// `trust` is the policy of each resource that is a role, so that what is asked of another account is not denied for the want
// of one; it may be left out, and so may a request's condition keys. What the evaluator does not accept ends this program
// with status 1 and its reason: an error is never a "deny".

import { load, readInput } from './load.mjs'

const { runSimulation } = await load('@cloud-copilot/iam-simulate')

const { principal, policy, trust, requests } = await readInput()
const verdicts = []
for (const { action, resource, account, context } of requests) {
  const answer = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: context ?? {} },
      identityPolicies: [{ name: 'identity', policy }],
      resourcePolicy: action.startsWith('sts:') && resource.includes(':role/') ? trust : undefined,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  )
  if (answer.resultType === 'error') throw new Error(`${action} on ${resource}: ${JSON.stringify(answer.errors)}`)
  verdicts.push(answer.overallResult === 'Allowed' ? 'allow' : 'deny')
}
console.log(JSON.stringify({ verdicts }))
