// A second, independent opinion on what a policy allows: https://www.npmjs.com/package/@cloud-copilot/iam-simulate.
// Its licence is AGPL-3.0, so it runs as a program of its own, at test time only.
//
// Reads on standard input
//   { "rolePolicy": {…}, "boundary": {…} | null, "sessionPolicies": { "pay": {…} | null, … }, "actions": ["svc:Do", …] }
// and prints
//   { "verdicts": { "svc:Do": { "pay": "allow" | "deny", … }, … } }
//
// `null` for a session policy is a session without one. A policy or an action that the evaluator does not accept ends
// this program with status 1 and its reason: an error is never a "deny".

import { load, readInput } from './load.mjs'

const account = '111122223333'
const principal = `arn:aws:sts::${account}:assumed-role/lodge-session/rs-0123456789abcdef`

const { runSimulation } = await load('@cloud-copilot/iam-simulate')

async function verdict({ rolePolicy, boundary }, sessionPolicy, action) {
  const answer = await runSimulation(
    {
      request: { principal, action, resource: { resource: '*', accountId: account }, contextVariables: {} },
      identityPolicies: [{ name: 'role', policy: rolePolicy }],
      permissionBoundaryPolicies: boundary ? [{ name: 'boundary', policy: boundary }] : undefined,
      sessionPolicy: sessionPolicy ?? undefined,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  )
  if (answer.resultType === 'error') throw new Error(`${action}: ${JSON.stringify(answer.errors)}`)
  return answer.overallResult === 'Allowed' ? 'allow' : 'deny'
}

const input = await readInput()
const verdicts = {}
for (const action of input.actions) {
  verdicts[action] = {}
  for (const [role, policy] of Object.entries(input.sessionPolicies)) {
    verdicts[action][role] = await verdict(input, policy, action)
  }
}
console.log(JSON.stringify({ verdicts }))
