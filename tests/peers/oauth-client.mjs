// An OAuth client that is not ours: https://www.npmjs.com/package/openid-client, which its author has certified for OpenID
// Connect. It learns everything that it does from the broker's RFC 8414 metadata.
//
// Its settings are one JSON object in LODGE_CLIENT:
//   issuer, client_id, redirect_uri, resource (what an access token opens), more (more parameters of the request)
//
// Prints one line {"authorize": URL}, reads the URL that the browser was led back to as one line on standard input, trades
// the code, opens the resource, refreshes, opens it again, revokes, and prints one line
//   { "first": {…}, "second": {…}, "opened": [200, 200, 401], "refused": "invalid_grant" }
// where the first two are the token endpoint's answers. Anything that it does not accept ends it with status 1.

import { createInterface } from 'node:readline'

import { load } from './load.mjs'

const client = await load('openid-client')
const settings = JSON.parse(process.env.LODGE_CLIENT)

// http, because the broker of a test is on this machine; everything else is as strict as the package has it.
const config = await client.discovery(new URL(settings.issuer), settings.client_id, undefined, client.None(), {
  algorithm: 'oauth2',
  execute: [client.allowInsecureRequests],
})

const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const authorize = client.buildAuthorizationUrl(config, {
  redirect_uri: settings.redirect_uri,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  ...settings.more,
})
console.log(JSON.stringify({ authorize: authorize.href }))

const lines = createInterface({ input: process.stdin })
const { value: callback } = await lines[Symbol.asyncIterator]().next()
lines.close()

async function open(token) {
  try {
    const answer = await client.fetchProtectedResource(config, token, new URL(settings.resource), 'GET')
    return answer.status
  } catch (error) {
    if (error instanceof client.WWWAuthenticateChallengeError) return error.status
    throw error
  }
}

const given = await client.authorizationCodeGrant(config, new URL(callback), {
  pkceCodeVerifier: verifier,
  expectedState: state,
})
const opened = [await open(given.access_token)]
const again = await client.refreshTokenGrant(config, given.refresh_token)
opened.push(await open(again.access_token))
await client.tokenRevocation(config, again.refresh_token, { token_type_hint: 'refresh_token' })
opened.push(await open(again.access_token))
const refused = await client.refreshTokenGrant(config, again.refresh_token).then(
  () => 'nothing',
  (error) => error.error ?? String(error),
)
console.log(JSON.stringify({ first: given, second: again, opened, refused }))
