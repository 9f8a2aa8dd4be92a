// Package sonarqube describes SonarQube Server and SonarQube Cloud, and checks the
// credentials for it. It imports packages providers, probe and upstream, and no other
// upstream. Begin with Spec and Validate in sonarqube.go.
package sonarqube
