// The independent evaluator of iam-simulate.mjs, for many calls at once. Its licence is AGPL-3.0, so it runs as a program
// of its own, at test time only.
//
// Reads on standard input one call a line
//   { "action": "svc:Do", "resource": "arn:…" | "*", "context": { "key": "value" | ["value", …] },
//     "identity": {…} | null, "session": {…} | null, "boundary": {…} | null }
// and prints one outcome a line, in the same order
//   { "overall": "Allowed" | "ExplicitlyDenied" | "ImplicitlyDenied", "identity": …, "session": …, "boundary": … }
//
// A layer that is not there is null in both. A call, a policy or a condition key that the evaluator does not accept ends
// this program with status 1 and its reason: an error is never a "deny".

import { createInterface } from 'node:readline'

import { load } from './load.mjs'

const account = '111122223333'
const principal = `arn:aws:sts::${account}:assumed-role/lodge-session/rs-0123456789abcdef`

const { runSimulation } = await load('@cloud-copilot/iam-simulate')

async function outcome(call) {
  const answer = await runSimulation(
    {
      request: {
        principal,
        action: call.action,
        resource: { resource: call.resource, accountId: account },
        contextVariables: call.context,
      },
      identityPolicies: call.identity ? [{ name: 'role', policy: call.identity }] : [],
      permissionBoundaryPolicies: call.boundary ? [{ name: 'boundary', policy: call.boundary }] : undefined,
      sessionPolicy: call.session ?? undefined,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  )
  if (answer.resultType !== 'single') throw new Error(`${JSON.stringify(call)}: ${JSON.stringify(answer)}`)
  const { analysis, ignoredContextKeys } = answer.result
  if (ignoredContextKeys.length > 0) throw new Error(`${JSON.stringify(call)}: ignored ${ignoredContextKeys}`)
  return {
    overall: answer.overallResult,
    identity: call.identity ? analysis.identityAnalysis.result : null,
    session: analysis.sessionAnalysis?.result ?? null,
    boundary: analysis.permissionBoundaryAnalysis?.result ?? null,
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await outcome(JSON.parse(line))))
}
