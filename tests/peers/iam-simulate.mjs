// A second, independent opinion on what a policy allows: https://www.npmjs.com/package/@cloud-copilot/iam-simulate.
// Its licence is AGPL-3.0, so it runs as a program of its own, at test time only.
//
// Reads on standard input
//   { "rolePolicy": {…}, "boundary": {…} | null, "sessionPolicies": { "pay": {…} | null, … }, "actions": ["svc:Do", …] }
// and prints
//   { "verdicts": { "svc:Do": { "pay": "allow" | "deny", … }, … } }
//
// An action stands for a call on `*` without condition keys of its own. Other calls stand, by whatever name, in
//   "calls": { "a name": { "action": "svc:Do", "resource": "arn:…", "context": { "svc:key": "value" } }, … }
// and have their verdicts under that name.
//
// `null` for a session policy is a session without one. A policy or an action that the evaluator does not accept ends
// this program with status 1 and its reason: an error is never a "deny".

import { load, readInput } from './load.mjs'

const account = '111122223333'
const principal = `arn:aws:sts::${account}:assumed-role/lodge-session/rs-0123456789abcdef`

const { runSimulation } = await load('@cloud-copilot/iam-simulate')

async function verdict({ rolePolicy, boundary }, sessionPolicy, { action, resource = '*', context = {} }) {
  const answer = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
      identityPolicies: [{ name: 'role', policy: rolePolicy }],
      permissionBoundaryPolicies: boundary ? [{ name: 'boundary', policy: boundary }] : undefined,
      sessionPolicy: sessionPolicy ?? undefined,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  )
  if (answer.resultType === 'error') throw new Error(`${action} on ${resource}: ${JSON.stringify(answer.errors)}`)
  return answer.overallResult === 'Allowed' ? 'allow' : 'deny'
}

const input = await readInput()
const calls = { ...Object.fromEntries((input.actions ?? []).map((action) => [action, { action }])), ...input.calls }
const verdicts = {}
for (const [name, call] of Object.entries(calls)) {
  verdicts[name] = {}
  for (const [role, policy] of Object.entries(input.sessionPolicies)) {
    verdicts[name][role] = await verdict(input, policy, call)
  }
}
console.log(JSON.stringify({ verdicts }))
