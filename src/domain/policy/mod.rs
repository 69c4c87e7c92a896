//! IAM policies: reading them, evaluating them, and making the session policy that every `AssumeRole` carries.
